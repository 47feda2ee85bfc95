package config

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// faultCase is a file with the faults that Parse must find, without the name of the file.
type faultCase struct {
	name, file string
	want       []string
}

const (
	originRule = `must be an origin (scheme, host and port alone) such as "https://app.example.com" or "http://localhost:3000", or "*" for all`
	hostRule   = `must be a host name alone, such as "chat.example.com"`
	proxyRule  = `must be an IP address or range such as "10.0.0.1", "10.0.0.0/8" or "fd00::/8"`
	listenRule = `must be "host:port" or ":port" with a port from 0 to 65535, such as "127.0.0.1:8080" or ":8080"`
	tokenRule  = `must be text of 16 to 4096 printable ASCII characters without spaces`
	valueRule  = `a value must stand here: text in quotes, a number, true, false, a list in [ ] or an object in { }`
	hookSecret = `MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0` // 24 bytes
	topKeys    = `gateway, tls, data_dir, retention, media, log, webhook, agents`
	piecesRule = `a duration from 1m to 3650d in quotes, such as "36h" or "30d"`

	sessionsRule = `"0" for never, or a duration from 1h to 3650d in quotes, such as "36h" or "30d"`
)

func syntaxFaults() []faultCase {
	return []faultCase{
		{"the documented snippet", "# config.json5\ngateway: {\n  allowed_origins: [\"https://app.example.com\", \"http://localhost:3000\"]\n}\n", []string{
			`1:1: this is not JSON5: a comment begins with //, not with #; write // in place of every such #`,
			`2:1: this is not JSON5: the outer braces are missing; put a { before this key and a } at the end of the file, as in { gateway: … }`,
		}},
		{"the other documented snippet", "# config.json5\ngateway: {\n  rate_limit_rpm: 60   # 60 requests per minute per user, burst 5\n}\n", []string{
			`1:1: this is not JSON5: a comment begins with //, not with #; write // in place of every such #`,
			`2:1: this is not JSON5: the outer braces are missing; put a { before this key and a } at the end of the file, as in { gateway: … }`,
		}},
		{"no braces, # later", "'log' : {} # x", []string{
			`1:1: this is not JSON5: the outer braces are missing; put a { before this key and a } at the end of the file, as in { 'log': … }`,
			`1:12: this is not JSON5: a comment begins with //, not with #; write // in place of every such #`,
		}},
		{"a syntax error before #", "{ log info # x\n}", []string{`1:7: syntax error: unexpected 'i': a colon must stand between the key and its value`}},
		{"empty", "", []string{`1:1: the file has no content; the least is {}`}},
		{"comments alone", "// {}\n/* {} */\n", []string{`3:1: the file has no content; the least is {}`}},
		{"open brace", "{\n  log: {\n    level: \"info\",\n", []string{`4:1: syntax error: the file ends before the { of line 2, column 8 is closed`}},
		{"open bracket", "{a: [1,", []string{`1:8: syntax error: the file ends before the [ of line 1, column 5 is closed`}},
		{"half a word", "tru", []string{`1:4: syntax error: the file ends too early: the words without quotes are true, false and null; text must be in quotes`}},
		{"text without quotes", "{log: info}", []string{`1:7: syntax error: unexpected 'i': ` + valueRule}},
		{"not quite null", "{log: no}", []string{`1:8: syntax error: unexpected 'o': the words without quotes are true, false and null; text must be in quotes`}},
		{"open text", "{log:\n 'info}\n", []string{`2:2: this text has no closing ' on its line`}},
		{"open comment", "{ /* x }", []string{`1:3: this comment has no closing */`}},
		{"half a comment", "{} / x", []string{`1:5: syntax error: unexpected ' ': a comment is // to the end of the line, or /* … */`}},
		{"no comma", "{log: {level: 'info' format: 'text'}}", []string{`1:22: syntax error: unexpected 'f': a comma or } must stand here`}},
		{"no comma in a list", "{a: [1 2]}", []string{`1:8: syntax error: unexpected '2': a comma or ] must stand here`}},
		{"two commas", "{a: 1,, b: 2}", []string{`1:7: syntax error: unexpected ',': a key or } must stand here`}},
		{"something after the end", "{} {}", []string{`1:4: syntax error: unexpected '{': nothing may follow the closing brace`}},
		{"key with a hyphen", "{my-key: 1}", []string{`1:4: syntax error: unexpected '-': a key of other characters than letters, digits, _ and $ must be in quotes`}},
		{"key beyond ASCII", "{ä: 1}", []string{`1:2: syntax error: unexpected 'ä': a key or } must stand here`}},
		{"columns are characters", "{/* äöü */ log: €}", []string{`1:17: syntax error: unexpected '€': ` + valueRule}},
		{"unknown escape", `{data_dir: "C:\data"}`, []string{`1:16: syntax error: unexpected 'd': after a backslash stands one of b f n r t / " ' \ or u with four hex digits; write \\ for a backslash`}},
		{"bad escape", `{data_dir: "\u00g0"}`, []string{`1:17: syntax error: unexpected 'g': four hex digits must follow \u`}},
		{"control character", "{data_dir: 'a\tb'}", []string{`1:14: syntax error: unexpected '\t': a text may hold no control character; write it as an escape such as \t`}},
		{"not a number", "{a: +x}", []string{`1:6: syntax error: unexpected 'x': this is not a number; text must be in quotes`}},
		{"not a hex number", "{a: 0xg}", []string{`1:7: syntax error: unexpected 'g': hex digits must follow 0x`}},
		{"too deep", strings.Repeat("[", 33), []string{`1:33: lists and objects nest deeper than 32 here; no key needs that`}},
		{"far too deep", strings.Repeat("{a:", 300_000), []string{`1:97: lists and objects nest deeper than 32 here; no key needs that`}},
		{"as deep as can be", strings.Repeat("[", 32) + strings.Repeat("]", 32), []string{`1:1: must be an object in { }; got a list`}},
		{"too large", "{}" + strings.Repeat(" ", 1<<20-1), []string{` is larger than 1048576 bytes, the most a configuration may have`}},
		{"not UTF-8", "{\n  // \xff\n}", []string{`2:6: byte 0xFF is not UTF-8; save the file as UTF-8`}},
		{"UTF-16", "\xff\xfe{\x00}\x00", []string{` is UTF-16; save it as UTF-8`}},
		{"BOM does not move columns", "\ufeff{log: x}", []string{`1:7: syntax error: unexpected 'x': ` + valueRule}},
		{"a list at the top", "[]", []string{`1:1: must be an object in { }; got a list`}},
	}
}

func keyFaults() []faultCase {
	return []faultCase{
		{"unknown keys", "{\n  gatway: {},\n  colour: 1,\n  gateway: {allowedOrigins: [], rate_limit: 5},\n  rate_limit_rpm: 60,\n}", []string{
			`2:3: gatway: unknown key; did you mean gateway? (accepted here: ` + topKeys + `)`,
			`3:3: colour: unknown key; accepted here: ` + topKeys,
			`4:13: gateway.allowedOrigins: unknown key; did you mean allowed_origins? (accepted here: ` + gatewayNames + `)`,
			`4:33: gateway.rate_limit: unknown key; did you mean rate_limit_rpm? (accepted here: ` + gatewayNames + `)`,
			`5:3: rate_limit_rpm: unknown key; did you mean gateway.rate_limit_rpm? (accepted here: ` + topKeys + `)`,
		}},
		{"odd unknown keys", `{"": 1, "a b": 1, "a\nb": 1, "` + strings.Repeat("é", 100) + `": 1}`, []string{
			`1:2: [""]: unknown key; accepted here: ` + topKeys,
			`1:9: ["a b"]: unknown key; accepted here: ` + topKeys,
			`1:19: ["a\nb"]: unknown key; accepted here: ` + topKeys,
			`1:30: ["` + strings.Repeat("é", 60) + `…"]: unknown key; accepted here: ` + topKeys,
		}},
		{"keys given twice", "{\n  log: {level: 'info', 'level': 'loud'},\n  \"log\": {},\n}", []string{
			`2:24: log.level: is given twice, first on line 2, column 9; leave one out`,
			`2:33: log.level: must be "debug", "info", "warn" or "error"; got "loud"`,
			`3:3: log: is given twice, first on line 2, column 3; leave one out`,
		}},
		{"objects", `{gateway: 5, log: [], agents: null}`, []string{
			`1:11: gateway: must be an object in { }; got 5`,
			`1:19: log: must be an object in { }; got a list`,
			`1:31: agents: must be an object in { }; got null (leave the key out for its default)`,
		}},
		{"gateway.listen", `{gateway: {listen: 8080}}`, []string{`1:20: gateway.listen: ` + listenRule + `; got 8080`}},
		{"gateway.listen without port", `{gateway: {listen: "localhost"}}`, []string{`1:20: gateway.listen: ` + listenRule + `; got "localhost"`}},
		{"gateway.listen, port too high", `{gateway: {listen: ":65536"}}`, []string{`1:20: gateway.listen: ` + listenRule + `; got ":65536"`}},
		{"gateway.listen, a URL", `{gateway: {listen: "http://localhost:80"}}`, []string{`1:20: gateway.listen: ` + listenRule + `; got "http://localhost:80"`}},
		{"gateway.token too short", `{gateway: {token: "0123456789abcde"}}`, []string{`1:19: gateway.token: ` + tokenRule + `; got 15 characters`}},
		{"gateway.token with a space", `{gateway: {token: "0123456789 abcdef"}}`, []string{`1:19: gateway.token: ` + tokenRule + `; got a space or another character outside that range`}},
		{"gateway.token, a number", `{gateway: {token: 12345678901234567890}}`, []string{`1:19: gateway.token: ` + tokenRule + `; got something other than text in quotes`}},
		{"gateway.token and gateway.token_file", `{gateway: {token: "0123456789abcdef", token_file: "t"}}`, []string{`1:39: gateway.token_file: excludes gateway.token, which is given too; leave one out`}},
		{"gateway.token_file", `{gateway: {token_file: ""}}`, []string{`1:24: gateway.token_file: must be a path in quotes; got ""`}},
		{"gateway.allowed_origins", `{gateway: {allowed_origins: "*"}}`, []string{`1:29: gateway.allowed_origins: must be a list in [ ], each item ` + strings.TrimPrefix(originRule, "must be ") + `; got "*"`}},
		{"every bad origin", `{gateway: {allowed_origins: [
"https://App.example.com:443/",
"https://app.example.com/chat",
"localhost:3000",
"wss://app.example.com",
"https://*.example.com",
"null",
"https://user:password@app.example.com",
"https://app.example.com:0",
"https://app.example.com#",
7]}}`, []string{
			`2:1: gateway.allowed_origins[0]: ` + originRule + `; write "https://app.example.com"; got "https://App.example.com:443/"`,
			`3:1: gateway.allowed_origins[1]: ` + originRule + `; write "https://app.example.com"; got "https://app.example.com/chat"`,
			`4:1: gateway.allowed_origins[2]: ` + originRule + `; write "https://localhost:3000"; got "localhost:3000"`,
			`5:1: gateway.allowed_origins[3]: ` + originRule + `; write "https://app.example.com"; got "wss://app.example.com"`,
			`6:1: gateway.allowed_origins[4]: ` + originRule + `; there are no patterns: list every origin; got "https://*.example.com"`,
			`7:1: gateway.allowed_origins[5]: ` + originRule + `; a page from a file has no origin: serve the page over HTTP; got "null"`,
			`8:1: gateway.allowed_origins[6]: ` + originRule + `; write "https://app.example.com"; got "…"`,
			`9:1: gateway.allowed_origins[7]: ` + originRule + `; got "https://app.example.com:0"`,
			`10:1: gateway.allowed_origins[8]: ` + originRule + `; write "https://app.example.com"; got "…"`,
			`11:1: gateway.allowed_origins[9]: ` + originRule + `; got 7`,
		}},
		{"gateway.max_… too low", `{gateway: {max_connections: 0, max_connections_per_user: 0, max_connections_per_address: 99, max_pending_connections: 9, max_pending_pairings: 0, max_runs_per_user: -1}}`, []string{
			`1:29: gateway.max_connections: must be a whole number from 1 to 1000000; got 0`,
			`1:58: gateway.max_connections_per_user: must be a whole number from 1 to 1000000; got 0`,
			`1:90: gateway.max_connections_per_address: must be a whole number from 100 to 1000000; got 99`,
			`1:119: gateway.max_pending_connections: must be a whole number from 10 to 1000000; got 9`,
			`1:144: gateway.max_pending_pairings: must be a whole number from 1 to 100000; got 0`,
			`1:166: gateway.max_runs_per_user: must be a whole number from 0 to 100000; got -1`,
		}},
		{"gateway.metrics_listen for everybody", `{gateway: {metrics_listen: ":9090"}}`, []string{
			`1:28: gateway.metrics_listen: must be "host:port" with a loopback address and a port from 0 to 65535, such as "127.0.0.1:9090"; got ":9090"`}},
		{"gateway.rate_limit_rpm too high", `{gateway: {rate_limit_rpm: 100001}}`, []string{`1:28: gateway.rate_limit_rpm: must be a whole number from 0 to 100000; got 100001`}},
		{"gateway.rate_limit_rpm negative", `{gateway: {rate_limit_rpm: -1}}`, []string{`1:28: gateway.rate_limit_rpm: must be a whole number from 0 to 100000; got -1`}},
		{"gateway.rate_limit_rpm with a fraction", `{gateway: {rate_limit_rpm: 1.5}}`, []string{`1:28: gateway.rate_limit_rpm: must be a whole number from 0 to 100000; got 1.5`}},
		{"gateway.rate_limit_rpm infinite", `{gateway: {rate_limit_rpm: Infinity}}`, []string{`1:28: gateway.rate_limit_rpm: must be a whole number from 0 to 100000; got Infinity`}},
		{"gateway.rate_limit_rpm no number", `{gateway: {rate_limit_rpm: NaN}}`, []string{`1:28: gateway.rate_limit_rpm: must be a whole number from 0 to 100000; got NaN`}},
		{"gateway.rate_limit_rpm beyond numbers", `{gateway: {rate_limit_rpm: 1e999}}`, []string{`1:28: gateway.rate_limit_rpm: must be a whole number from 0 to 100000; got 1e999`}},
		{"gateway.rate_limit_rpm as text", `{gateway: {rate_limit_rpm: "60"}}`, []string{`1:28: gateway.rate_limit_rpm: must be a whole number from 0 to 100000; got "60"`}},
		{"gateway.hosts, not a list", `{gateway: {hosts: "a.example"}}`, []string{`1:19: gateway.hosts: must be a list in [ ], each item ` + strings.TrimPrefix(hostRule, "must be ") + `; got "a.example"`}},
		{"every bad host", `{gateway: {hosts: [
"https://Chat.example.com:8443/x", "chat.example.com:443", "*.example.com", "", "a b", "fe80::1%eth0", 7]}}`, []string{
			`2:1: gateway.hosts[0]: ` + hostRule + `; write "chat.example.com"; got "https://Chat.example.com:8443/x"`,
			`2:36: gateway.hosts[1]: ` + hostRule + `; write "chat.example.com"; got "chat.example.com:443"`,
			`2:60: gateway.hosts[2]: ` + hostRule + `; there are no patterns: list every name; got "*.example.com"`,
			`2:77: gateway.hosts[3]: ` + hostRule + `; got ""`,
			`2:81: gateway.hosts[4]: ` + hostRule + `; got "a b"`,
			`2:88: gateway.hosts[5]: ` + hostRule + `; got "fe80::1%eth0"`,
			`2:104: gateway.hosts[6]: ` + hostRule + `; got 7`,
		}},
		{"gateway.trusted_proxies, not a list", `{gateway: {trusted_proxies: "10.0.0.1"}}`, []string{`1:29: gateway.trusted_proxies: must be a list in [ ], each item ` + strings.TrimPrefix(proxyRule, "must be ") + `; got "10.0.0.1"`}},
		{"gateway.trusted_proxies", `{gateway: {trusted_proxies: ["10.0.0.1/8", "fe80::1%eth0", "nginx", "::ffff:10.0.0.0/104"]}}`, []string{
			`1:30: gateway.trusted_proxies[0]: ` + proxyRule + `; bits after the prefix are set: write "10.0.0.0/8"; got "10.0.0.1/8"`,
			`1:44: gateway.trusted_proxies[1]: ` + proxyRule + `; leave out the zone: write "fe80::1"; got "fe80::1%eth0"`,
			`1:60: gateway.trusted_proxies[2]: ` + proxyRule + `; got "nginx"`,
			`1:69: gateway.trusted_proxies[3]: ` + proxyRule + `; write the range as IPv4; got "::ffff:10.0.0.0/104"`,
		}},
		{"gateway.drain_timeout without unit", `{gateway: {drain_timeout: 30}}`, []string{`1:27: gateway.drain_timeout: must be a duration from 0s to 10m in quotes, such as "30s" or "2m"; got 30`}},
		{"gateway.drain_timeout too long", `{gateway: {drain_timeout: "11m"}}`, []string{`1:27: gateway.drain_timeout: must be a duration from 0s to 10m in quotes, such as "30s" or "2m"; got "11m"`}},
		{"gateway.drain_timeout negative", `{gateway: {drain_timeout: "-1s"}}`, []string{`1:27: gateway.drain_timeout: must be a duration from 0s to 10m in quotes, such as "30s" or "2m"; got "-1s"`}},
		{"gateway.pairing", `{gateway: {pairing: "yes"}}`, []string{`1:21: gateway.pairing: must be true or false; got "yes"`}},
		{"gateway.public_url with a path of our own", `{gateway: {public_url: "https://example.com/admin/x"}}`, []string{`1:24: gateway.public_url: must be an http or https URL such as "https://chat.example.com", or with a path such as "https://example.com/chat"; "/admin" is a path of Gatehouse itself: choose another one, such as "/chat"; got "https://example.com/admin/x"`}},
		{"gateway.public_url with an empty segment", `{gateway: {public_url: "https://example.com/a//b"}}`, []string{`1:24: gateway.public_url: must be an http or https URL such as "https://chat.example.com", or with a path such as "https://example.com/chat"; its path may have letters, digits and - . _ ~ between single slashes; got "https://example.com/a//b"`}},
		{"gateway.public_url with a semicolon in its path", `{gateway: {public_url: "https://example.com/a;b"}}`, []string{`1:24: gateway.public_url: must be an http or https URL such as "https://chat.example.com", or with a path such as "https://example.com/chat"; its path may have letters, digits and - . _ ~ between single slashes; got "https://example.com/a;b"`}},
		{"gateway.public_url with an escaped path", `{gateway: {public_url: "https://example.com/ch%C3%A4t"}}`, []string{`1:24: gateway.public_url: must be an http or https URL such as "https://chat.example.com", or with a path such as "https://example.com/chat"; its path may have letters, digits and - . _ ~ between single slashes; got "https://example.com/ch%C3%A4t"`}},
		{"gateway.public_url with dots in its path", `{gateway: {public_url: "https://example.com/chat/.."}}`, []string{`1:24: gateway.public_url: must be an http or https URL such as "https://chat.example.com", or with a path such as "https://example.com/chat"; its path may have letters, digits and - . _ ~ between single slashes; got "https://example.com/chat/.."`}},
		{"gateway.public_url without scheme", `{gateway: {public_url: "chat.example.com"}}`, []string{`1:24: gateway.public_url: must be an http or https URL such as "https://chat.example.com", or with a path such as "https://example.com/chat"; it must begin with https:// or http://; got "chat.example.com"`}},
		{"gateway.public_url without scheme, with a port and a path", `{gateway: {public_url: "localhost:8080/chat"}}`, []string{`1:24: gateway.public_url: must be an http or https URL such as "https://chat.example.com", or with a path such as "https://example.com/chat"; it must begin with https:// or http://; got "localhost:8080/chat"`}},
		{"gateway.public_url with a host that no browser takes", `{gateway: {public_url: "https://b\u200dücher.example"}}`, []string{`1:24: gateway.public_url: must be an http or https URL such as "https://chat.example.com", or with a path such as "https://example.com/chat"; got "https://b\u200dücher.example"`}},
		{"data_dir", `{data_dir: 5}`, []string{`1:12: data_dir: must be a path in quotes; got 5`}},
		{"retention", `{retention: {pieces: "59s", sessions: "59m", session: "1h"}}`, []string{
			`1:22: retention.pieces: must be ` + piecesRule + `; got "59s"`,
			`1:39: retention.sessions: must be ` + sessionsRule + `; got "59m"`,
			`1:46: retention.session: unknown key; did you mean sessions? (accepted here: pieces, sessions, audit)`,
		}},
		{"retention, too long", `{retention: {pieces: "3651d", sessions: "87601h"}}`, []string{
			`1:22: retention.pieces: must be ` + piecesRule + `; got "3651d"`,
			`1:41: retention.sessions: must be ` + sessionsRule + `; got "87601h"`,
		}},
		{"retention that is none", `{retention: {pieces: "0", sessions: 0}}`, []string{
			`1:22: retention.pieces: must be ` + piecesRule + `; got "0"`,
			`1:37: retention.sessions: must be ` + sessionsRule + `; got 0`,
		}},
		{"retention of the audit log", `{retention: {audit: "23h"}}`, []string{
			`1:21: retention.audit: must be "0" for never, or a duration from 24h to 3650d in quotes, such as "36h" or "30d"; got "23h"`,
		}},
		{"webhook", `{webhook: {url: "ftp://x", secret: "whsec_AAAA", events: ["gone"]}}`, []string{
			`1:17: webhook.url: must be an http or https URL, such as "http://127.0.0.1:11434/v1"; got "ftp://x"`,
			`1:36: webhook.secret: must be "whsec_" followed by base64 of 24 to 64 random bytes`,
			`1:59: webhook.events[0]: must be "device.pair.requested" or "device.pair.resolved"; got "gone"`,
		}},
		{"webhook of other types", `{webhook: {secret_file: 1, events: "all"}}`, []string{
			`1:25: webhook.secret_file: must be a path in quotes; got 1`,
			`1:36: webhook.events: must be a list in [ ], each item "device.pair.requested" or "device.pair.resolved"; got "all"`,
		}},
		{"webhook that signs nothing", `{webhook: {url: "https://x"}}`, []string{
			`1:2: webhook.secret: is required with webhook.url: give it, or secret_file`,
		}},
		{"webhook to nowhere", `{webhook: {secret: "whsec_` + hookSecret + `"}}`, []string{
			`1:2: webhook.url: is required with webhook.secret: where the requests go`,
		}},
		{"webhook's secret twice", `{webhook: {url: "https://x", secret: "whsec_` + hookSecret + `", secret_file: "f"}}`, []string{
			`1:80: webhook.secret_file: excludes webhook.secret, which is given too; leave one out`,
		}},
		{"retention in other words", `{retention: {pieces: "1.5d", sessions: "-1h"}}`, []string{
			`1:22: retention.pieces: must be ` + piecesRule + `; got "1.5d"`,
			`1:40: retention.sessions: must be ` + sessionsRule + `; got "-1h"`,
		}},
		{"media", `{media: {max_bytes: "1023B", quota: "500MB", orphans: "59s", quotas: "1GiB"}}`, []string{
			`1:21: media.max_bytes: must be a size from 1KiB to 1GiB in quotes, such as "20MiB"; got "1023B"`,
			`1:37: media.quota: must be a size from 1MiB to 1024GiB in quotes, such as "20MiB"; the units are B, KiB, MiB and GiB; got "500MB"`,
			`1:55: media.orphans: must be ` + piecesRule + `; got "59s"`,
			`1:62: media.quotas: unknown key; did you mean quota? (accepted here: max_bytes, quota, orphans)`,
		}},
		{"quota below max_bytes", `{media: {max_bytes: "20MiB", quota: "10MiB"}}`, []string{
			`1:30: media.quota: must be at least media.max_bytes (20MiB), since a larger file would exceed its user's quota; got 10MiB`,
		}},
		{"no events", `{webhook: {url: "https://x.de/", secret: "whsec_` + hookSecret + `", events: []}}`, []string{
			`1:84: webhook.events: must name at least one of "device.pair.requested" and "device.pair.resolved", or leave webhook.url out: with an empty list nothing is ever sent`,
		}},
		{"one address for two", `{gateway: {listen: ":9090", metrics_listen: "127.0.0.1:9090"}}`, []string{
			`1:29: gateway.metrics_listen: must be another address than gateway.listen, which is ":9090"; got "127.0.0.1:9090"`,
		}},
		{"media, too much", `{media: {max_bytes: "1025MiB", quota: 5000000, orphans: 1}}`, []string{
			`1:21: media.max_bytes: must be a size from 1KiB to 1GiB in quotes, such as "20MiB"; got "1025MiB"`,
			`1:39: media.quota: must be a size from 1MiB to 1024GiB in quotes, such as "20MiB"; got 5000000`,
			`1:57: media.orphans: must be ` + piecesRule + `; got 1`,
		}},
		{"agents.list.NAME.images", `{agents: {list: {default: {provider: "builtin", images: "no"}}}}`, []string{`1:57: agents.list.default.images: must be true or false; got "no"`}},
		{"log", `{log: {format: "xml", level: "trace"}}`, []string{
			`1:16: log.format: must be "text" or "json"; got "xml"`,
			`1:30: log.level: must be "debug", "info", "warn" or "error"; got "trace"`,
		}},
		{"a long value", `{log: {level: "` + strings.Repeat("x", 100) + `"}}`, []string{`1:15: log.level: must be "debug", "info", "warn" or "error"; got "` + strings.Repeat("x", 60) + `…"`}},
	}
}

const gatewayNames = `listen, token, token_file, allowed_origins, hosts, rate_limit_rpm, max_connections, max_connections_per_user, max_connections_per_address, max_pending_connections, max_pending_pairings, max_runs_per_user, metrics_listen, trusted_proxies, drain_timeout, pairing, public_url`

func agentFaults() []faultCase {
	return []faultCase{
		{"agents.default", `{agents: {default: "nobody"}}`, []string{`1:11: agents.default: must be the name of an agent in agents.list: "default"; got "nobody"`}},
		{"agents.default, a number", `{agents: {default: 1, list: {a: {provider: "builtin"}}}}`, []string{`1:20: agents.default: must be the name of an agent in agents.list: 1 to 32 of a-z, 0-9, _ and -, the first a letter or digit; got 1`}},
		{"agents.default not given", `{agents: {list: {b: {provider: "builtin"}, a: {provider: "builtin"}}}}`, []string{`1:2: agents.default: must be the name of an agent in agents.list: "a", "b"; leave it out only if one is named "default"`}},
		{"no agents", `{agents: {list: {}}}`, []string{`1:11: agents.list: must hold at least one agent, such as default: { provider: "builtin" }`}},
		{"agents.list, a list", `{agents: {list: []}}`, []string{`1:17: agents.list: must be an object in { }; got a list`}},
		{"agents.list.NAME, a text", `{agents: {list: {default: "openai"}}}`, []string{`1:27: agents.list.default: must be an object in { }; got "openai"`}},
		{"NAME", `{agents: {default: "a", list: {a: {provider: "builtin"}, "My Agent": {provider: "builtin"}}}}`, []string{`1:58: agents.list["My Agent"]: an agent's name must be 1 to 32 of a-z, 0-9, _ and -, the first a letter or digit`}},
		{"agents.list.NAME.provider missing", `{agents: {list: {default: {}}}}`, []string{`1:18: agents.list.default.provider: is required: "builtin", "openai" or "anthropic"`}},
		{"agents.list.NAME.provider", `{agents: {list: {default: {provider: "opnai"}}}}`, []string{`1:38: agents.list.default.provider: must be "builtin", "openai" or "anthropic"; got "opnai"`}},
		{"what openai needs", `{agents: {list: {default: {provider: "openai"}}}}`, []string{
			`1:18: agents.list.default.model: is required with provider "openai": the model's name in quotes`,
			`1:18: agents.list.default.api_key: is required with provider "openai" at https://api.openai.com/v1: give it, or api_key_file, or the environment variable OPENAI_API_KEY`,
		}},
		{"what openai elsewhere needs", `{agents: {list: {default: {provider: "openai", base_url: "http://127.0.0.1:11434/v1"}}}}`, []string{
			`1:18: agents.list.default.model: is required with provider "openai": the model's name in quotes`,
		}},
		{"what anthropic needs", `{agents: {list: {default: {provider: "anthropic", base_url: "http://127.0.0.1:1/"}}}}`, []string{
			`1:18: agents.list.default.model: is required with provider "anthropic": the model's name in quotes`,
			`1:18: agents.list.default.api_key: is required with provider "anthropic" at http://127.0.0.1:1: give it, or api_key_file, or the environment variable ANTHROPIC_API_KEY`,
		}},
		{"a bad key is not missing as well", `{agents: {list: {default: {provider: "anthropic", model: 1, api_key: ""}}}}`, []string{
			`1:58: agents.list.default.model: must be text of 1 to 200 characters on one line; got 1`,
			`1:70: agents.list.default.api_key: must be text of 1 to 4096 printable ASCII characters without spaces; got 0 characters`,
		}},
		{"agents.list.NAME.base_url", `{agents: {list: {default: {provider: "openai", model: "m", base_url: "ftp://x"}}}}`, []string{`1:70: agents.list.default.base_url: must be an http or https URL, such as "http://127.0.0.1:11434/v1"; got "ftp://x"`}},
		{"agents.list.NAME.base_url with a password", `{agents: {list: {default: {provider: "openai", model: "m", base_url: "http://u:hidden@x/v1"}}}}`, []string{`1:70: agents.list.default.base_url: must be an http or https URL, such as "http://127.0.0.1:11434/v1"; it may hold no user name or password; got "…"`}},
		{"agents.list.NAME.base_url with a query", `{agents: {list: {default: {provider: "openai", model: "m", base_url: "http://x/v1?key=hidden"}}}}`, []string{`1:70: agents.list.default.base_url: must be an http or https URL, such as "http://127.0.0.1:11434/v1"; it may hold no ? or #; got "…"`}},
		{"agents.list.NAME.api_key and api_key_file", `{agents: {list: {default: {provider: "anthropic", model: "m", api_key: "k", api_key_file: "f"}}}}`, []string{`1:77: agents.list.default.api_key_file: excludes agents.list.default.api_key, which is given too; leave one out`}},
		{"agents.list.NAME.api_key_file", `{agents: {list: {default: {provider: "anthropic", model: "m", api_key_file: " "}}}}`, []string{`1:77: agents.list.default.api_key_file: must be a path in quotes; got " "`}},
		{"the rest of agents.list.NAME", `{agents: {list: {default: {provider: "builtin",
system_prompt: "",
max_tokens: 0,
temperature: 2.1,
timeout: "2h",
history_messages: 1001,
label: "a\nb",
description: true,
modle: "m"}}}}`, []string{
			`2:16: agents.list.default.system_prompt: must be text of 1 to 65536 characters; got ""`,
			`3:13: agents.list.default.max_tokens: must be a whole number from 1 to 1000000; got 0`,
			`4:14: agents.list.default.temperature: must be a number from 0 to 2; got 2.1`,
			`5:10: agents.list.default.timeout: must be a duration from 1s to 1h in quotes, such as "30s" or "2m"; got "2h"`,
			`6:19: agents.list.default.history_messages: must be a whole number from 1 to 1000; got 1001`,
			`7:8: agents.list.default.label: must be text of 1 to 64 characters on one line; got "a\nb"`,
			`8:14: agents.list.default.description: must be text of 1 to 500 characters on one line; got true`,
			`9:1: agents.list.default.modle: unknown key; did you mean model? (accepted here: provider, base_url, model, api_key, api_key_file, system_prompt, max_tokens, temperature, timeout, first_token_timeout, idle_timeout, reasoning, history_messages, images, label, description)`,
		}},
		{"the timeouts and the reasoning of agents.list.NAME", `{agents: {list: {default: {provider: "builtin",
first_token_timeout: "61m",
idle_timeout: 60,
reasoning: "a b c"}}}}`, []string{
			`2:22: agents.list.default.first_token_timeout: must be a duration from 1s to 1h in quotes, such as "30s" or "2m"; got "61m"`,
			`3:15: agents.list.default.idle_timeout: must be a duration from 1s to 1h in quotes, such as "30s" or "2m"; got 60`,
			`4:12: agents.list.default.reasoning: must be "off", or up to 8 tags with commas between them, each a name as in "think" or two marks as in "[THINK] [/THINK]"; got "a b c"`,
		}},
		{"temperature of anthropic", `{agents: {list: {default: {provider: "anthropic", model: "m", api_key: "k", temperature: 1.5}}}}`, []string{`1:77: agents.list.default.temperature: must be a number from 0 to 1 with provider "anthropic"; got 1.5`}},
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for _, group := range [][]faultCase{syntaxFaults(), keyFaults(), tlsFaults(), agentFaults()} {
		for _, c := range group {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				got, _, err := Parse("config.json5", []byte(c.file))
				want := "config.json5:" + strings.Join(c.want, "\nconfig.json5:")
				var faults Faults
				if !errors.As(err, &faults) {
					t.Fatalf("got %v, want\n%s", err, want)
				}
				if err.Error() != want {
					t.Errorf("got\n%s\nwant\n%s", err, want)
				}
				if got.Agents.List != nil {
					t.Error("a configuration came with faults")
				}
			})
		}
	}
}

func TestEveryKeyHasAFaultTested(t *testing.T) {
	t.Parallel()
	var tested strings.Builder
	for _, c := range slices.Concat(keyFaults(), tlsFaults(), agentFaults()) {
		tested.WriteString(strings.ReplaceAll(strings.Join(c.want, "\n")+"\n", "agents.list.default.", "agents.list.NAME."))
	}
	for _, k := range schema() {
		if rule := k.path + ": must be " + k.accepts; !strings.Contains(tested.String(), rule) {
			t.Errorf("no table has a fault that begins %q", rule)
		}
	}
}
