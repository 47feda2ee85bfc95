package config

import (
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/certs/certstest"
)

func TestTLSFiles(t *testing.T) {
	t.Parallel()
	cert, key := certstest.Good(t, "chat.example.com")
	_, another := certstest.Good(t, "chat.example.com")
	f := newFolder(t, map[string]string{
		"cert.pem": cert, "key.pem": key, "other.pem": another, "none.pem": "",
		"config.json5": `{tls: {cert_file: "cert.pem", key_file: "key.pem", redirect_listen: ":80", hsts: "365d"}}`,
		"other.json5":  `{tls: {cert_file: "cert.pem", key_file: "other.pem"}}`,
		"gone.json5":   `{tls: {cert_file: "gone.pem", key_file: "none.pem"}}`,
	})
	got := f.mustLoad(Flags{})
	if want := (TLS{CertFile: f.dir + "/cert.pem", KeyFile: f.dir + "/key.pem", RedirectListen: ":80", HSTS: 365 * day}); !got.TLS.On() || got.TLS.CertFile != want.CertFile ||
		got.TLS.KeyFile != want.KeyFile || got.TLS.RedirectListen != want.RedirectListen || got.TLS.HSTS != want.HSTS {
		t.Errorf("got %+v, want %+v", got.TLS, want)
	}
	for file, want := range map[string]string{
		"other.json5": `other.json5:1:8: tls.cert_file: "$DIR/cert.pem" and "$DIR/other.pem" are no certificate and its key: `,
		"gone.json5": `gone.json5:1:8: tls.cert_file: must name a file that can be read: "$DIR/gone.pem": no such file or directory
gone.json5:1:31: tls.key_file: must name a file that holds PEM; "$DIR/none.pem" is empty`,
	} {
		if _, _, faults := f.load(Flags{ConfigFile: file}); !strings.HasPrefix(faults, want) || strings.Contains(faults, "PRIVATE") {
			t.Errorf("%s:\n%s\nwant\n%s", file, faults, want)
		}
	}
	f.write("key.pem", key, 0o644)
	if _, warnings, faults := f.load(Flags{}); faults != "" || !strings.Contains(warnings, "chmod 600") {
		t.Errorf("a key for all to read: warnings %q, faults %q", warnings, faults)
	}
}

func TestTLSKeys(t *testing.T) {
	t.Parallel()
	c, _, err := Parse("x", []byte(`{tls: {acme_hosts: ["Chat.Example.com"], redirect_listen: ":80", acme_email: "a@b.de"}}`))
	if err != nil || c.TLS.ACMEHosts[0] != "chat.example.com" || c.TLS.ACMEDirectory != letsEncrypt || !c.TLS.On() {
		t.Errorf("%+v, %v", c.TLS, err)
	}
	c, _, err = Parse("x", []byte(`{tls: {hsts: "365d"}, gateway: {public_url: "http://x.de"}}`))
	if err != nil || c.TLS.On() || c.TLS.HSTS != 365*day {
		t.Errorf("%+v, %v", c.TLS, err)
	}
}

func tlsFaults() []faultCase {
	const (
		name      = `must be a host name such as "chat.example.com"`
		directory = `must be an https URL, such as "` + letsEncrypt + `"`
		listen    = `must be "host:port" or ":port" with a port from 0 to 65535, such as "127.0.0.1:8080" or ":8080"`
		hsts      = `must be "0" for never, or a duration from 1m to 3650d in quotes, such as "36h" or "30d"`
		alone     = "is of use with tls.acme_hosts alone; leave it out, or give those"
	)
	return []faultCase{
		{"tls", `{tls: {
cert_file: 1,
key_file: "",
acme_hosts: "x.de",
acme_email: "somebody",
acme_directory: "http://x.de",
redirect_listen: "80",
hsts: "1s",
}}`, []string{
			`2:12: tls.cert_file: must be a path in quotes; got 1`,
			`3:11: tls.key_file: must be a path in quotes; got ""`,
			`4:13: tls.acme_hosts: must be a list in [ ], each item a host name such as "chat.example.com"; got "x.de"`,
			`5:13: tls.acme_email: must be an e-mail address such as "you@example.com"; got "somebody"`,
			`6:17: tls.acme_directory: ` + directory + `; got "http://x.de"`,
			`7:18: tls.redirect_listen: ` + listen + `; got "80"`,
			`8:7: tls.hsts: ` + hsts + `; got "1s"`,
		}},
		{"tls.acme_hosts", `{tls: {acme_hosts: [
"*.x.de",
"10.0.0.1",
"localhost",
"x.de:443",
"-x.de",
"x..de"]}}`, []string{
			`2:1: tls.acme_hosts[0]: ` + name + `; there are no patterns: list every name; got "*.x.de"`,
			`3:1: tls.acme_hosts[1]: ` + name + `; authorities certify names, not addresses; for an address use tls.cert_file; got "10.0.0.1"`,
			`4:1: tls.acme_hosts[2]: ` + name + `; got "localhost"`,
			`5:1: tls.acme_hosts[3]: ` + name + `; got "x.de:443"`,
			`6:1: tls.acme_hosts[4]: ` + name + `; got "-x.de"`,
			`7:1: tls.acme_hosts[5]: ` + name + `; got "x..de"`,
		}},
		{"tls.cert_file alone", `{tls: {cert_file: "a"}}`, []string{`1:2: tls.key_file: is required with tls.cert_file: the file of its key`}},
		{"tls.key_file alone", `{tls: {key_file: "a"}}`, []string{`1:2: tls.cert_file: is required with tls.key_file: the file of its certificate`}},
		{"tls.cert_file and tls.acme_hosts", `{tls: {cert_file: "a", key_file: "b", acme_hosts: ["x.de"]}}`, []string{
			`1:39: tls.acme_hosts: excludes tls.cert_file, which is given too; leave one out`}},
		{"tls.acme_email alone", `{tls: {acme_email: "a@b.de"}}`, []string{`1:8: tls.acme_email: ` + alone}},
		{"tls.acme_directory alone", `{tls: {acme_directory: "https://x.de"}}`, []string{`1:8: tls.acme_directory: ` + alone}},
		{"tls.redirect_listen alone", `{tls: {redirect_listen: ":80"}}`, []string{
			`1:8: tls.redirect_listen: needs a gateway that speaks TLS: give tls.cert_file and tls.key_file, or tls.acme_hosts`}},
		{"tls and a plain gateway.public_url", `{tls: {acme_hosts: ["x.de"]}, gateway: {public_url: "http://x.de"}}`, []string{
			`1:41: gateway.public_url: must begin with https:// when the gateway speaks TLS itself; got "http://x.de"`}},
	}
}
