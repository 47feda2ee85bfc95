package client

import "math/rand/v2"

// random spreads clients that were cut off together; [0, 1). It must not be
// taken from the clock, by which they were.
func random() float64 { return rand.Float64() } // #nosec G404 -- it keeps no secret
