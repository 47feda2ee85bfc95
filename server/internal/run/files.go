package run

import (
	"context"
	"log/slog"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Files reads the contents of attachments.
type Files interface {
	// Image returns an image as PNG or JPEG, which all models take. It returns no data if
	// the file is no image or cannot be converted.
	Image(ctx context.Context, path string) (data []byte, mime string, err error)
	// Text returns the first bytes of a text file, at most limit, and whether there are
	// more. It returns no text if the file is no text file.
	Text(ctx context.Context, path string, limit int) (text string, more bool, err error)
}

// The limits on the contents of files in one prompt. Newer files come first.
const (
	promptImages     = 8         // images
	promptImageBytes = 8 << 20   // bytes of all images
	promptFileText   = 64 << 10  // bytes of one text file
	promptText       = 256 << 10 // bytes of all text files
)

// toFiles returns the attachments of a message as files without contents.
func toFiles(media []protocol.Media) []agent.File {
	var files []agent.File
	for _, m := range media {
		files = append(files,
			agent.File{Path: m.Path, Name: m.Filename, MimeType: m.MimeType, Size: m.Size})
	}
	return files
}

// loadFiles loads the contents of the files of messages, within the limits. The agent
// only learns the name of a file that cannot be read.
func (r *Runner) loadFiles(ctx context.Context, messages []agent.Message, images bool,
	log *slog.Logger) {
	left := budget{images: promptImages, imageBytes: promptImageBytes, text: promptText}
	if !images {
		left.images = 0
	}
	for i := len(messages) - 1; i >= 0; i-- {
		for j := range messages[i].Files {
			if ctx.Err() != nil {
				return
			}
			f := &messages[i].Files[j]
			if err := r.load(ctx, f, &left); err != nil {
				log.Warn("run: a file could not be read; the agent gets only its name", "file",
					f.Path, "error", err)
			}
		}
	}
}

// budget is what may still be added to a prompt.
type budget struct{ images, imageBytes, text int }

// load loads the content of f, as far as its kind and the budget allow.
func (r *Runner) load(ctx context.Context, f *agent.File, left *budget) error {
	if left.images > 0 {
		data, mime, err := r.files.Image(ctx, f.Path)
		if err != nil {
			return err
		}
		if len(data) > 0 && len(data) <= left.imageBytes {
			f.Data, f.MimeType = data, mime
			left.images--
			left.imageBytes -= len(data)
			return nil
		}
	}
	if left.text == 0 {
		return nil
	}
	text, more, err := r.files.Text(ctx, f.Path, min(promptFileText, left.text))
	if err != nil {
		return err
	}
	f.Text, f.Truncated = text, more
	left.text -= len(text)
	return nil
}
