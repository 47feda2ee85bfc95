// Package ratelimit limits how often something may happen: by key, such as the
// network of an address or the name of a user, on top of golang.org/x/time/rate.
//
// A [Limiter] holds one token bucket for each key. A key whose bucket is full again is
// evicted, and the number of keys is bounded: the keys beyond the bound share one
// bucket, so that a flood from many addresses cannot exhaust the memory.
//
// [Network] says which addresses count as one. [Lines] limits the log lines that
// strangers cause.
package ratelimit
