package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
)

// definition is what the reference says of a metric.
type definition struct {
	name, kind, what string
	label            string   // empty: none
	values           []string // of the label; nil: many
}

func (m *Metrics) define(d definition, c prometheus.Collector) {
	m.defined = append(m.defined, d)
	m.registry.MustRegister(c)
}

func (m *Metrics) counter(name, what string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: what})
	m.define(definition{name: name, kind: "counter", what: what}, c)
	return c
}

// counters are one for each value of a label.
type counters[V ~string] struct{ of map[V]prometheus.Counter }

// counterOf makes counters of all the values there are.
func counterOf[V ~string](m *Metrics, name, what, label string, values []V) counters[V] {
	vector := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: what}, []string{label})
	d := definition{name: name, kind: "counter", what: what, label: label}
	all := counters[V]{make(map[V]prometheus.Counter, len(values))}
	for _, v := range values {
		d.values = append(d.values, string(v))
		all.of[v] = vector.WithLabelValues(string(v))
	}
	m.define(d, vector)
	return all
}

// add counts n more of a value. One that was not declared is a mistake of ours,
// and is not counted.
func (c counters[V]) add(v V, n int64) {
	if counter, ok := c.of[v]; ok {
		counter.Add(float64(n))
	}
}

// requestCounters counts by method and code.
func (m *Metrics) requestCounters(name, what string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: what}, []string{"method", "code"})
	m.define(definition{name: name, kind: "counter", what: what, label: "method, code"}, c)
	return c
}

// seconds makes a histogram of durations from 0.1 ms to 10 s.
func (m *Metrics) seconds(name, what string) prometheus.Histogram {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: name, Help: what,
		Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	})
	m.define(definition{name: name, kind: "histogram", what: what}, h)
	return h
}

// gauge makes a gauge that read gives when it is asked for.
func (m *Metrics) gauge(name, what string, read func() float64) {
	m.define(definition{name: name, kind: "gauge", what: what},
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: what}, read))
}

// total makes a counter that somebody else keeps.
func (m *Metrics) total(name, what string, read func() float64) {
	m.define(definition{name: name, kind: "counter", what: what},
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: what}, read))
}
