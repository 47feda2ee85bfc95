package gateway

import "reflect"

// Params is the type of what the method takes; nil for none.
func (m Method) Params() reflect.Type { return m.params }
