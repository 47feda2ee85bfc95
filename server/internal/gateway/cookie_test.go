package gateway_test

import (
	"net/http"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// TestPageWithoutItsCookie proves that a page whose cookie does not come is told so, and
// leaves no request behind, whatever else it claims.
func TestPageWithoutItsCookie(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	for _, header := range []http.Header{nil, {"Cookie": {"other=x"}}, {"Cookie": {"gatehouse_x=gd_nonsense"}}} {
		c := gw.dial(t, header)
		for range 3 {
			e := c.Refused(protocol.NotPaired, "cookie", protocol.MethodConnect, `{"cookie":true,"device_name":"x"}`)
			if e.Details == nil || e.Details.Status != protocol.PairingNoCookie {
				t.Errorf("the details are %+v", e.Details)
			}
		}
	}
	var list protocol.DeviceListResult
	admin := gw.admin(t, "boss")
	admin.Read(admin.OK(protocol.MethodDeviceList, ""), &list)
	if len(list.Pending)+len(list.Paired) > 0 {
		t.Errorf("it leaves %+v behind", list)
	}
	// Other clients have no cookie and ask for pairing; another credential counts as ever.
	gw.dial(t, nil).OK(protocol.MethodConnect, `{"cookie":false}`)
	gw.dial(t, nil).OK(protocol.MethodConnect, `{"cookie":true,"token":"`+httpdtest.Token+`"}`)
}
