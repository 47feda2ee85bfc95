// Package webhook tests the gateway's webhook with the library that Standard Webhooks
// gives to receivers.
package webhook
