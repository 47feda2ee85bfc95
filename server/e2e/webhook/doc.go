// Package webhook holds a test of the gateway's webhook against the library that
// Standard Webhooks gives to receivers.
package webhook
