//go:build !js

package client

import "math/rand/v2"

// random spreads clients that were cut off together; [0, 1).
func random() float64 { return rand.Float64() }
