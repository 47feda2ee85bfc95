package metrics

import "github.com/prometheus/client_golang/prometheus"

// The states of an open connection.
const (
	statePending       = "pending"
	statePairing       = "pairing"
	stateAuthenticated = "authenticated"
)

// connectionsByState collects the number of open connections by state. All numbers of
// a scrape are from the same moment, so that their sum is right.
type connectionsByState struct {
	count func() (pending, pairing, authenticated int)
	desc  *prometheus.Desc
}

func newConnectionsByState(
	d definition, count func() (pending, pairing, authenticated int),
) connectionsByState {
	return connectionsByState{count, prometheus.NewDesc(d.name, d.what, []string{d.label}, nil)}
}

// Describe implements prometheus.Collector.
func (c connectionsByState) Describe(ch chan<- *prometheus.Desc) { ch <- c.desc }

// Collect implements prometheus.Collector.
func (c connectionsByState) Collect(ch chan<- prometheus.Metric) {
	pending, pairing, authenticated := c.count()
	for state, n := range map[string]int{
		statePending: pending, statePairing: pairing, stateAuthenticated: authenticated,
	} {
		ch <- prometheus.MustNewConstMetric(c.desc, prometheus.GaugeValue, float64(n), state)
	}
}
