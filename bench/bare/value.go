package bare

import (
	"fmt"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/msgpack"
)

// What MessagePack makes of null and of an object without attributes.
var (
	encodedNull  = []byte{0xc0}
	encodedEmpty = []byte{0x80}
)

// randomType and fileType are the schemas of the two types, known beforehand; a
// test holds them to the providers.
func randomType() cty.Type {
	return cty.Object(map[string]cty.Type{
		"b64_std": cty.String, "b64_url": cty.String, "byte_length": cty.Number, "dec": cty.String, "hex": cty.String,
		"id": cty.String, "keepers": cty.Map(cty.String), "prefix": cty.String,
	})
}

func fileType() cty.Type {
	return cty.Object(map[string]cty.Type{
		"content": cty.String, "content_base64": cty.String, "content_base64sha256": cty.String, "content_base64sha512": cty.String,
		"content_md5": cty.String, "content_sha1": cty.String, "content_sha256": cty.String, "content_sha512": cty.String,
		"directory_permission": cty.String, "file_permission": cty.String, "filename": cty.String, "id": cty.String,
		"sensitive_content": cty.String, "source": cty.String,
	})
}

// encode gives an object of the type in which all but the given attributes are null.
func encode(ty cty.Type, given map[string]cty.Value) ([]byte, error) {
	all := make(map[string]cty.Value, len(ty.AttributeTypes()))
	for name, a := range ty.AttributeTypes() {
		if v, ok := given[name]; ok {
			all[name] = v
		} else {
			all[name] = cty.NullVal(a)
		}
	}
	return msgpack.Marshal(cty.ObjectVal(all), ty)
}

func randomConfig() ([]byte, error) {
	return encode(randomType(), map[string]cty.Value{"byte_length": cty.NumberIntVal(8)})
}

func knownFileConfig(i int, content string) ([]byte, error) {
	return fileConfig(i, cty.StringVal(content))
}

// unknownFileConfig is that of a file whose content is not known yet.
func unknownFileConfig(i int) ([]byte, error) { return fileConfig(i, cty.UnknownVal(cty.String)) }

func fileConfig(i int, content cty.Value) ([]byte, error) {
	return encode(fileType(), map[string]cty.Value{
		"filename": cty.StringVal(fmt.Sprintf("./out/%d.txt", i)), "content": content,
		// The schema's defaults, which are the provider's to fill in.
	})
}

// hexOf reads the one attribute of a random_id that the files use.
func hexOf(value []byte) (string, error) {
	v, err := msgpack.Unmarshal(value, randomType())
	if err != nil {
		return "", err
	}
	return v.GetAttr("hex").AsString(), nil
}
