package metrics

import "github.com/prometheus/client_golang/prometheus"

const connections = "gatehouse_connections"

// The states of a connection.
const (
	statePending       = "pending"
	statePairing       = "pairing"
	stateAuthenticated = "authenticated"
)

// byState gives the connections by state, counted at one moment.
type byState struct {
	count func() (pending, pairing, authenticated int)
	desc  *prometheus.Desc
}

func newByState(count func() (pending, pairing, authenticated int)) byState {
	return byState{count, prometheus.NewDesc(connections, openConnections, []string{"state"}, nil)}
}

const openConnections = "WebSockets that are open"

// Describe tells the registry what there is.
func (b byState) Describe(ch chan<- *prometheus.Desc) { ch <- b.desc }

// Collect counts.
func (b byState) Collect(ch chan<- prometheus.Metric) {
	pending, pairing, authenticated := b.count()
	for state, n := range map[string]int{statePending: pending, statePairing: pairing, stateAuthenticated: authenticated} {
		ch <- prometheus.MustNewConstMetric(b.desc, prometheus.GaugeValue, float64(n), state)
	}
}
