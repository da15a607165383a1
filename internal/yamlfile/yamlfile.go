// Package yamlfile reads the files that people write to say what they want, so that what is wrong
// with one is said in the same way.
package yamlfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
)

// maxFile is the largest file that is read.
const maxFile = 1 << 20

// Read reads a file into a struct. A key that it has no field for, or has twice, is an error of one
// line. An empty file changes nothing.
func Read(r io.Reader, into any) error {
	text, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return err
	}
	if len(text) > maxFile {
		return errors.New("it is larger than 1 MiB")
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return nil
	}
	if err := yaml.Load(text, into, yaml.WithKnownFields()); err != nil {
		return errors.New(oneLine(err))
	}
	return nil
}

// unknownKey is how the decoder says that it has no field for a key.
var unknownKey = regexp.MustCompile(`field (.+?) not found in type \w+\.\w+`)

// oneLine is an error in one line, in the words of who writes such a file.
func oneLine(err error) string {
	text := strings.Join(strings.Fields(fmt.Sprint(err)), " ")
	return unknownKey.ReplaceAllString(text, "there is no key $1")
}
