package client

import "math/rand/v2"

// random returns a number in [0, 1). It spreads the reconnects of clients that lost their
// connections at the same time, so it must not depend on the time.
func random() float64 { return rand.Float64() } // #nosec G404 -- it keeps no secret
