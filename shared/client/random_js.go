package client

import "time"

// random spreads clients that were cut off together; [0, 1). No two browsers
// come here in the same millisecond of the same second, and math/rand is 3 KB of
// their download.
func random() float64 {
	const prime = 9973
	return float64(time.Now().UnixMilli()%prime) / prime
}
