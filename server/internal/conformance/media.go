package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"regexp"
	"strings"
)

func media() []Row {
	const section = "HTTP"
	return []Row{
		{Section: section, steps: uploads,
			Says: "POST /api/media/upload (alias /v1/media/upload): multipart field file → " +
				"{path, mime_type, filename, size}; bytes come back unchanged"},
		{Section: section, Says: "401/403/413/415 as JSON errors", steps: refusedUploads},
		{Section: section, Says: "a PDF without text has no_text:true", steps: pdfText},
		{Section: section, steps: servedFile,
			Says: "GET /api/media/{id}: nosniff, Content-Disposition, sandboxed CSP"},
		{Section: section, Says: "GET /api/media/{id}: owner or admin only", steps: othersFile},
	}
}

func chatMedia() []Row {
	const section = "Chat"
	return []Row{
		{Section: section, Demo: true, steps: sentFile,
			Says: "chat.send media:[{path,filename}], shown in chat.history"},
		{Section: section, Demo: true, steps: othersFileSent,
			Says: "chat.send: the files must be the caller's own"},
		{Section: section, Demo: true, steps: deletedFile,
			Says: "the files of a deleted session are no more"},
	}
}

// newKey creates an API key for a new user.
func (v *visit) newKey(role string) (key string) {
	admin := v.admin("")
	made := admin.call("api_keys.create",
		object{"name": "conformance", "userId": v.name("user"), "role": role})
	v.must(admin.ws.Close(), "close")
	return v.text(made, "key")
}

// connectWith opens a connection with a token or key.
func (v *visit) connectWith(key string) *client {
	c := v.open(nil)
	c.call("connect", object{"token": key})
	return c
}

// requestAs makes an HTTP request with a token or key; empty: without.
func (v *visit) requestAs(method, path, key, contentType string,
	body io.Reader) (*http.Response, []byte) {
	h := http.Header{}
	if contentType != "" {
		h.Set("Content-Type", contentType)
	}
	if key != "" {
		h.Set("Authorization", "Bearer "+key)
	}
	return v.request(method, path, h, body)
}

// upload sends a file in a form.
func (v *visit) upload(path, key, name, kind, content string) (status int, answer object) {
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, err := w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="file"; filename="` + name + `"`},
		"Content-Type":        {kind},
	})
	v.must(err, "make a form")
	_, err = io.WriteString(part, content)
	v.must(err, "make a form")
	v.must(w.Close(), "make a form")
	r, text := v.requestAs(http.MethodPost, path, key, w.FormDataContentType(), &form)
	if err := json.Unmarshal(text, &answer); err != nil {
		v.fail("POST %s: HTTP %d, %q is not JSON", path, r.StatusCode, text)
	}
	if file, ok := answer["path"].(string); ok {
		v.made.add(madeFile, file)
	}
	return r.StatusCode, answer
}

// uploadText uploads a text file and returns its path.
func (v *visit) uploadText(key, name, content string) string {
	status, answer := v.upload("/api/media/upload", key, name, "text/plain", content)
	if status != http.StatusOK {
		v.fail("upload: HTTP %d %v, want 200", status, answer)
	}
	return v.text(answer, "path")
}

// checkHTTPError checks an answer that must be an error.
func (v *visit) checkHTTPError(status, want int, answer object) {
	if status != want {
		v.fail("HTTP %d %v, want %d", status, answer, want)
	}
	v.text(answer, "error.code")
	v.text(answer, "error.message")
}

var filePath = regexp.MustCompile(`^/api/media/[A-Za-z0-9_-]{16,}$`)

func uploads(v *visit) {
	key, content := v.newKey("operator"), "a,b\n1,\u00e4\r\n"
	for _, route := range []string{"/api/media/upload", "/v1/media/upload"} {
		status, answer := v.upload(route, key, "t\u00e4ble.csv", "application/octet-stream",
			content)
		if status != http.StatusOK {
			v.fail("HTTP %d %v, want 200", status, answer)
		}
		v.want(answer, "mime_type", "text/csv")
		v.want(answer, "filename", "t\u00e4ble.csv")
		v.want(answer, "size", len(content))
		path := v.text(answer, "path")
		if !filePath.MatchString(path) {
			v.fail("the path is %q", path)
		}
		r, text := v.requestAs(http.MethodGet, path, key, "", nil)
		if r.StatusCode != http.StatusOK || string(text) != content {
			v.fail("the file is HTTP %d %q, want %q", r.StatusCode, text, content)
		}
	}
}

func refusedUploads(v *visit) {
	const route = "/api/media/upload"
	key := v.newKey("operator")
	for _, row := range []struct {
		key, name, content string
		status             int
	}{
		{"", "a.txt", "hello", http.StatusUnauthorized},
		{v.newKey("viewer"), "a.txt", "hello", http.StatusForbidden},
		{key, "a.exe", "MZ\x90\x00\x03\x00", http.StatusUnsupportedMediaType},
		{key, "a.html", "<script>\xff</script>", http.StatusUnsupportedMediaType},
		{key, "a.gif", "GIF89a\xff\xff\xff\xff\x00\x00\x00", http.StatusRequestEntityTooLarge},
		{key, "a.txt", "", http.StatusBadRequest},
	} {
		status, answer := v.upload(route, row.key, row.name, "text/plain", row.content)
		v.checkHTTPError(status, row.status, answer)
	}
	r, text := v.requestAs(http.MethodPost, route, key, "application/json", strings.NewReader("{}"))
	var answer object
	v.must(json.Unmarshal(text, &answer), "read an answer")
	v.checkHTTPError(r.StatusCode, http.StatusUnsupportedMediaType, answer)
}

// pdfOf returns a PDF of one page with this content.
func pdfOf(content string) string {
	objects := []string{
		"<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 4 0 R " +
			"/Resources << /Font << /F 5 0 R >> >> >>",
		fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", len(content), content),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
	}
	pdf, xref := "%PDF-1.7\n", fmt.Sprintf("xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for i, o := range objects {
		xref += fmt.Sprintf("%010d 00000 n \n", len(pdf))
		pdf += fmt.Sprintf("%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	return pdf + xref + fmt.Sprintf("trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n",
		len(objects)+1, len(pdf))
}

// pdfText checks whether the gateway says that a PDF has no text for models.
func pdfText(v *visit) {
	key := v.newKey("operator")
	for content, want := range map[string]bool{
		"BT /F 20 Tf 20 100 Td (Hello) Tj ET": false, "20 20 100 100 re f": true,
	} {
		status, answer := v.upload("/api/media/upload", key, "a.pdf", "application/pdf", pdfOf(content))
		if noText, _ := answer["no_text"].(bool); status != http.StatusOK || noText != want {
			v.fail("a PDF with %q: HTTP %d %v, want no_text %v", content, status, answer, want)
		}
	}
}

func servedFile(v *visit) {
	key := v.newKey("operator")
	r, _ := v.requestAs(http.MethodGet, v.uploadText(key, "a.html", "<script>alert(1)</script>"),
		key, "", nil)
	for name, want := range map[string]string{
		"Content-Type":            "text/plain",
		"Content-Disposition":     "attachment",
		"X-Content-Type-Options":  "nosniff",
		"Content-Security-Policy": "sandbox",
	} {
		if got := r.Header.Get(name); !strings.Contains(got, want) {
			v.fail("%s is %q, want %s in it", name, got, want)
		}
	}
}

func othersFile(v *visit) {
	path := v.uploadText(v.newKey("operator"), "a.txt", "hello")
	for key, want := range map[string]int{
		"":                   http.StatusUnauthorized,
		v.newKey("operator"): http.StatusForbidden,
		v.target.Token:       http.StatusOK,
	} {
		if r, _ := v.requestAs(http.MethodGet, path, key, "", nil); r.StatusCode != want {
			v.fail("HTTP %d, want %d", r.StatusCode, want)
		}
	}
	if r, _ := v.requestAs(http.MethodGet, "/api/media/"+strings.Repeat("0", 32), v.target.Token,
		"", nil); r.StatusCode != http.StatusNotFound {
		v.fail("a file that does not exist: HTTP %d, want 404", r.StatusCode)
	}
}

func sentFile(v *visit) {
	key := v.newKey("operator")
	c, path := v.connectWith(key), v.uploadText(key, "notes.txt", "hello")
	made := c.call("chat.send",
		object{"message": "", "media": []object{{"path": path, "filename": "notes.txt"}}})
	event := c.eventWith("chat", func(p object) bool { return get(p, "message.role") == "user" })
	history := v.list(c.call("chat.history", object{"sessionKey": made["sessionKey"]}), "messages")
	for _, message := range []any{get(event, "payload.message"), history[0]} {
		files := v.list(object{"message": message}, "message.media")
		if len(files) != 1 {
			v.fail("the message has %d files, want 1", len(files))
		}
		v.want(files[0].(object), "path", path)
		v.want(files[0].(object), "filename", "notes.txt")
	}
}

func othersFileSent(v *visit) {
	key := v.newKey("operator")
	own, others := v.uploadText(key, "a.txt", "hello"), v.uploadText(v.newKey("operator"), "a.txt",
		"hello")
	c := v.connectWith(key)
	c.refused("FORBIDDEN", "media[1]", "chat.send",
		object{"message": "x", "media": []object{{"path": own}, {"path": others}}})
	c.refused("NOT_FOUND", "media[0]", "chat.send",
		object{"message": "x", "media": []object{{"path": "/api/media/" +
			strings.Repeat("0", 32)}}})
	for _, path := range []string{"", "/etc/passwd", "../" + own, own + "/..",
		"https://example.com" + own} {
		c.refused("INVALID_REQUEST", "media[0].path", "chat.send",
			object{"message": "x", "media": []object{{"path": path}}})
	}
	if list := v.list(c.call("sessions.list", nil), "sessions"); len(list) > 0 {
		v.fail("refused sends made %d sessions", len(list))
	}
}

func deletedFile(v *visit) {
	key := v.newKey("operator")
	c, path := v.connectWith(key), v.uploadText(key, "a.txt", "hello")
	made := c.call("chat.send", object{"message": "", "media": []object{{"path": path}}})
	c.call("sessions.delete", object{"key": made["sessionKey"]})
	r, _ := v.requestAs(http.MethodGet, path, key, "", nil)
	if r.StatusCode != http.StatusNotFound {
		v.fail("the file of a deleted session: HTTP %d, want 404", r.StatusCode)
	}
}
