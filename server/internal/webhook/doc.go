// Package webhook notifies a configured URL of pairings. The requests are signed as
// in Standard Webhooks (https://www.standardwebhooks.com): with an id that is the same
// for all tries of a message, a timestamp, and an HMAC-SHA256 of these and the body.
//
// Notifying never blocks the caller. Messages wait in memory until they are delivered.
// They are lost, with a line in the log, if the gateway shuts down or if the receiver
// cannot be reached for about ten minutes. The console shows pairings in any case.
package webhook
