// Package app builds the gateway of its parts, runs it and stops it. It is the
// one place that knows which store and which agents there are.
package app
