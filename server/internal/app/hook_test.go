package app_test

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/server/internal/webhook/webhooktest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// After a reload has turned the webhook on, it gets a request for pairing and its
// approval.
func TestWebhook(t *testing.T) {
	key := []byte("123456789012345678901234")
	secret := "whsec_" + base64.StdEncoding.EncodeToString(key)
	bodies := make(chan string, 9)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = webhooktest.Verify(key, r.Header, body)
		}
		if err != nil {
			t.Error(err)
		}
		bodies <- string(body)
	}))
	defer receiver.Close()
	c := startConfigured(t, `{}`)
	defer http.DefaultClient.CloseIdleConnections()
	c.write(t, `{webhook: {url: "`+receiver.URL+`", secret: "`+secret+`"}}`)
	admin := c.admin()
	reload(admin)
	var asked protocol.ConnectResult
	// What the product's own probes ask for is not announced, nor that it is denied.
	var probed protocol.ConnectResult
	for _, name := range []string{"gatehouse-doctor", "gatehouse-conformance"} {
		probe := httpdtest.Dial(t, c.url, http.Header{"User-Agent": {name}})
		probe.Read(probe.OK(protocol.MethodConnect, `{}`), &probed)
	}
	asker := httpdtest.Dial(t, c.url, nil)
	asker.Read(asker.OK(protocol.MethodConnect, `{}`), &asked)
	admin.OK(protocol.MethodDeviceApprove,
		`{"code":"`+asked.PairingCode+`","userId":"ann","role":"viewer"}`)
	for range 2 {
		select {
		case body := <-bodies:
			requested := strings.Contains(body, `"type":"device.pair.requested"`)
			if !requested && !strings.Contains(body, `"status":"approved","userId":"ann","role":"viewer"`) ||
				strings.Contains(body, asked.PairingCode) {
				t.Errorf("the webhook got %s", body)
			}
		case <-time.After(httpdtest.Timeout):
			t.Fatal("the webhook got no message")
		}
	}
	admin.OK(protocol.MethodDeviceDeny, `{"code":"`+probed.PairingCode+`"}`)
	var list protocol.DeviceListResult
	admin.Read(admin.OK(protocol.MethodDeviceList, ""), &list)
	admin.OK(protocol.MethodDeviceRevoke, `{"deviceId":"`+list.Paired[0].DeviceID+`"}`)
	select {
	case body := <-bodies:
		if !strings.Contains(body, `"status":"revoked"`) {
			t.Errorf("the webhook got %s", body)
		}
	case <-time.After(httpdtest.Timeout):
		t.Fatal("the webhook got no message")
	}
	c.end()
	if strings.Contains(c.log.String(), secret) || strings.Contains(c.log.String(), "webhook:") {
		t.Errorf("the log is %s", c.log)
	}
}
