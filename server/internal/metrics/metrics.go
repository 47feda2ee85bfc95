package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/gatehouse-chat/gatehouse/server/internal/conn"
)

// Metrics are those of one gateway, in a registry of their own. All methods are safe
// for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	defined  []definition

	opened, received, sent, wrongTokens, origins, hosts prometheus.Counter

	closed     counters[string]
	refused    counters[Refusal]
	dropped    counters[Drop]
	limited    counters[Limit]
	violations counters[Violation]
	runs       counters[Outcome]
	media      counters[string]
	requests   *prometheus.CounterVec
	commits    prometheus.Histogram
}

// New returns metrics that are all zero.
func New() *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.opened = m.counter("gatehouse_connections_opened_total", "WebSockets that were opened")
	m.closed = newCounters(m, "gatehouse_connections_closed_total",
		"WebSockets that ended, by what ended them", "cause", closeCauses())
	m.refused = newCounters(m, "gatehouse_upgrades_refused_total",
		"WebSockets that were refused, by why", "cause", refusals())
	m.dropped = newCounters(m, "gatehouse_http_connections_dropped_total",
		"connections that were refused, or ended before they had sent a whole request",
		"cause", drops())
	m.received = m.counter("gatehouse_frames_received_total", "messages from clients")
	m.sent = m.counter("gatehouse_frames_sent_total", "messages to clients")
	m.requests = m.requestCounters("gatehouse_requests_total",
		"requests answered, also those that a rate limit refused; the code of a success is `ok`")
	m.limited = newCounters(m, "gatehouse_rate_limited_total",
		"calls refused by a rate limit, by which", "limit", limits())
	m.wrongTokens = m.counter("gatehouse_wrong_tokens_total",
		"wrong tokens, API keys and sign-in codes")
	m.origins = m.counter("gatehouse_origins_rejected_total", "requests refused for their origin")
	m.hosts = m.counter("gatehouse_hosts_rejected_total",
		"requests of browsers refused for the host that they were sent to")
	m.violations = newCounters(m, "gatehouse_protocol_violations_total",
		"frames that the protocol does not allow, by what is wrong", "cause", violations())
	m.runs = newCounters(m, "gatehouse_runs_total", "runs that ended, by how",
		"outcome", outcomes())
	m.commits = m.seconds("gatehouse_store_commit_seconds",
		"how long a transaction took, until it was on disk")
	m.media = newCounters(m, "gatehouse_media_bytes_total", "bytes of files", "direction",
		[]string{received, served})
	m.registry.MustRegister(collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// closeCauses returns the values of the label of closed connections.
func closeCauses() []string {
	var names []string
	for _, c := range conn.Causes() {
		names = append(names, c.String())
	}
	return names
}

// Sources are read by each scrape. All must be safe for concurrent use.
type Sources struct {
	// Connections returns how many connections are not authenticated and do not wait for
	// pairing, how many wait for pairing, and how many are authenticated.
	Connections func() (pending, pairing, authenticated int)
	Runs        func() int   // how many runs are active
	Replayed    func() int64 // how many events were replayed since the start
}

// Watch adds the metrics that are read from sources. Call it once.
func (m *Metrics) Watch(s Sources) {
	open := definition{
		name: "gatehouse_connections", kind: "gauge", what: "WebSockets that are open",
		label: "state", values: []string{statePending, statePairing, stateAuthenticated},
	}
	m.define(open, newConnectionsByState(open, s.Connections))
	m.gauge("gatehouse_runs_running", "runs under way", func() float64 { return float64(s.Runs()) })
	m.total("gatehouse_events_replayed_total", "events that clients had missed and were sent",
		func() float64 { return float64(s.Replayed()) })
}

// Handler serves the metrics. It does not check who asks; the caller must.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}

// ConnectionOpened counts a WebSocket.
func (m *Metrics) ConnectionOpened() { m.opened.Inc() }

// ConnectionClosed counts a WebSocket that has ended.
func (m *Metrics) ConnectionClosed(c conn.Cause) { m.closed.add(c.String(), 1) }

// UpgradeRefused counts a WebSocket that was not opened.
func (m *Metrics) UpgradeRefused(r Refusal) { m.refused.add(r, 1) }

// HTTPDropped counts a TCP connection that was closed before its client had sent a whole
// request.
func (m *Metrics) HTTPDropped(d Drop) { m.dropped.add(d, 1) }

// FrameReceived counts a message from a client.
func (m *Metrics) FrameReceived() { m.received.Inc() }

// FrameSent counts a message to a client.
func (m *Metrics) FrameSent() { m.sent.Inc() }

// Request counts an answered request. method is the name of a method that the gateway
// has, or Unknown; code is a protocol.Code, or OK.
func (m *Metrics) Request(method, code string) { m.requests.WithLabelValues(method, code).Inc() }

// DeclareRequests makes the counters of a method exist, with 0, for each of the codes. A
// counter that appears with its first request has no increase for Prometheus' rate().
func (m *Metrics) DeclareRequests(method string, codes ...string) {
	for _, code := range codes {
		m.requests.WithLabelValues(method, code)
	}
}

// RateLimited counts a call that a rate limit refused.
func (m *Metrics) RateLimited(l Limit) { m.limited.add(l, 1) }

// WrongToken counts a wrong token, API key or sign-in code.
func (m *Metrics) WrongToken() { m.wrongTokens.Inc() }

// OriginRejected counts a request from a page whose origin is not allowed.
func (m *Metrics) OriginRejected() { m.origins.Inc() }

// HostRejected counts a browser's request to a host that is not the gateway's.
func (m *Metrics) HostRejected() { m.hosts.Inc() }

// Violation counts a frame that the protocol does not allow.
func (m *Metrics) Violation(v Violation) { m.violations.add(v, 1) }

// RunEnded counts a run that has ended.
func (m *Metrics) RunEnded(o Outcome) { m.runs.add(o, 1) }

// Committed records how long a transaction of the store took.
func (m *Metrics) Committed(took time.Duration) { m.commits.Observe(took.Seconds()) }

// MediaReceived counts the bytes of a file that was uploaded.
func (m *Metrics) MediaReceived(n int64) { m.media.add(received, n) }

// MediaServed counts the bytes of a file that was served.
func (m *Metrics) MediaServed(n int64) { m.media.add(served, n) }
