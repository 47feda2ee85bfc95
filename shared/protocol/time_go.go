//go:build !js

package protocol

import "time"

// Go returns the time.Time in UTC; 0 becomes the zero time.
func (t Time) Go() time.Time {
	if t == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(t)).UTC()
}
