// Package audit keeps the log of what was done to the gateway and, by admins, to
// other people's sessions: who did what to what, when, from where.
//
// A line is written before its act, and an act whose line cannot be written is
// not done: the log may tell of something that was broken off, never the other
// way round. Lines are only ever added; that an act failed is added too. They go
// by their age alone, if the configuration says so.
package audit
