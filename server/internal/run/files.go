package run

import (
	"context"
	"log/slog"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Files gives the contents of the files that messages carry, by their paths.
type Files interface {
	// Image gives an image as models take it, PNG or JPEG; nothing for what is no
	// image, or cannot be made one of theirs.
	Image(ctx context.Context, path string) (data []byte, mime string, err error)
	// Text gives the first bytes of a text, most at the most, and whether there are
	// more; nothing for what is no text.
	Text(ctx context.Context, path string, most int) (text string, more bool, err error)
}

// What of files an agent is given, the newest first.
const (
	promptImages     = 8
	promptImageBytes = 8 << 20
	promptText       = 64 << 10 // bytes of one file
	promptTexts      = 256 << 10
)

// named are a message's files without their contents.
func named(media []protocol.Media) []agent.File {
	var files []agent.File
	for _, m := range media {
		files = append(files, agent.File{Path: m.Path, Name: m.Filename, MimeType: m.MimeType, Size: m.Size})
	}
	return files
}

// show gives the agent the contents of files, as far as it takes them. A file
// that cannot be read is only named.
func (r *Runner) show(ctx context.Context, messages []agent.Message, images bool, log *slog.Logger) {
	room := allowance{images: promptImages, imageBytes: promptImageBytes, text: promptTexts}
	if !images {
		room.images = 0
	}
	for i := len(messages) - 1; i >= 0; i-- {
		for j := range messages[i].Files {
			if ctx.Err() != nil {
				return
			}
			f := &messages[i].Files[j]
			if err := r.fill(ctx, f, &room); err != nil {
				log.Warn("run: a file is only named to the agent", "file", f.Path, "error", err)
			}
		}
	}
}

// allowance is what room is left in a prompt.
type allowance struct{ images, imageBytes, text int }

// fill reads a file into what the agent is given of it.
func (r *Runner) fill(ctx context.Context, f *agent.File, room *allowance) error {
	if room.images > 0 {
		data, mime, err := r.files.Image(ctx, f.Path)
		if err != nil {
			return err
		}
		if len(data) > 0 && len(data) <= room.imageBytes {
			f.Data, f.MimeType = data, mime
			room.images--
			room.imageBytes -= len(data)
			return nil
		}
	}
	if room.text == 0 {
		return nil
	}
	text, more, err := r.files.Text(ctx, f.Path, min(promptText, room.text))
	if err != nil {
		return err
	}
	f.Text, f.Truncated = text, more
	room.text -= len(text)
	return nil
}
