// Package metrics counts what happens in the gateway, for Prometheus. Every name
// begins with gatehouse_, and every label has few values, all of them ours: what
// a client sends never becomes one.
package metrics
