// Package metrics counts what happens in the gateway, for Prometheus.
//
// Every name begins with gatehouse_. A label has few values, and all are constants of
// this program: text from a client never becomes a label, so that no client can create
// time series. All values are known beforehand, and each has a series that starts at
// zero: an alert on an event that has never occurred works.
//
// A metric is defined in New or Watch, which also gives it a row in the reference.
package metrics
