// Package app builds a gateway of its parts, runs it and stops it. It is the one
// package that knows which store and which agents there are.
//
//   - [Run] opens the store, joins the parts (app.go), opens the listeners and serves
//     until its context ends. Then it drains: runs may finish within
//     gateway.drain_timeout, clients are notified, and the store is closed last.
//   - settings.go has the settings of all parts, made from one configuration. A reload
//     (reload.go) replaces them at once, and each part asks for the current ones.
//   - maintenance.go has the jobs that run every minute: they write what parts keep in
//     memory, recover lost runs and remove old data.
//   - tls.go has the certificates and the listener that redirects HTTP to HTTPS;
//     metrics.go the metrics' own listener; welcome.go what is printed at the start.
package app
