package part

import "context"

// baseKey is the key of the base in a context.
type baseKey struct{}

// WithBase returns a context for rendering a page of a gateway that people reach under a
// path, such as "/chat" for https://example.com/chat. The base of a gateway at the root of
// its host is "".
func WithBase(ctx context.Context, base string) context.Context {
	return context.WithValue(ctx, baseKey{}, base)
}

// Path returns the address for a link from a page to a path of the gateway, such as
// "/admin". Every link and asset of a page gets its address here; models have paths of the
// gateway alone.
func Path(ctx context.Context, path string) string {
	base, _ := ctx.Value(baseKey{}).(string)
	return base + path
}
