// Package page holds the pages: each is one templ component with one model. A
// page is made of package part's pieces, and everything that the client needs to
// take it over is in the page itself; the names are those of package markup.
package page

import "github.com/gatehouse-chat/gatehouse/web/part"

// Viewer is who looks at the page and through which browser.
type Viewer struct {
	User     string // user id
	Role     string // viewer, operator or admin
	Device   string // this browser as people call it, "Firefox on Windows"
	DeviceID string // public id of this browser's device; "" when the admin token is used
}

// Site is what every page needs to know of the gateway.
type Site struct {
	Assets   part.Assets
	Instance string // id of this gateway
}
