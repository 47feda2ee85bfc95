// Package page has the pages. Each is a templ component with a model, made of the
// components of package part. A page holds everything that the client needs to take it
// over; the names shared with the client come from package markup.
package page

import "github.com/gatehouse-chat/gatehouse/web/part"

// Viewer is the signed-in user and the browser in use.
type Viewer struct {
	User     string // user id
	Role     string // viewer, operator or admin
	Device   string // name of this browser: "Firefox on Windows"
	DeviceID string // public id of this browser's device; "" if the user signed in by admin token
}

// Site is what every page needs to know about the gateway.
type Site struct {
	Assets   part.Assets
	Instance string // id of this gateway
}
