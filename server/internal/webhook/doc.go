// Package webhook tells a configured address of pairings, by signed requests as
// Standard Webhooks has them (https://www.standardwebhooks.com): an id that stays
// the same over tries, a timestamp and an HMAC-SHA256 of both with the body.
//
// It never holds anybody up. What is to be told waits in memory: a stop of the
// gateway, or a receiver that is away for more than some ten minutes, loses it,
// and the log says so. Pairings themselves are in the console all the same.
package webhook
