//go:build !dev

package livereload

import "github.com/go-chi/chi/v5"

// Mount does nothing in builds without the tag dev.
func Mount(chi.Router) {}

// Script returns "" in builds without the tag dev.
func Script() string { return "" }
