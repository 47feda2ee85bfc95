// Package run makes answers: one worker a busy session takes its queued runs one
// after another, lets the agent answer, and appends what it says to the
// session's log in pieces of about 40 ms.
//
// A run belongs to its session: it goes on when every client is gone, and ends
// in exactly one of completed, failed and cancelled.
package run
