package jsonata

// library are the functions of the language, but for $eval, which needs the compiler. The number is how many arguments
// a higher-order function such as $map hands over at most.
var library = func() map[string]*native {
	all := map[string]*native{}
	for _, part := range [...][]native{stringFunctions, numberFunctions, arrayFunctions, objectFunctions, higherFunctions, timeFunctions} {
		for _, f := range part {
			all[f.name] = &f
		}
	}
	return all
}()

// builtinNamed gives the function that the language itself calls name, or nil.
func builtinNamed(name string) function {
	if f := library[name]; f != nil {
		return f
	}
	if name == "eval" {
		return &evaluator{}
	}
	return nil
}

var stringFunctions = []native{
	{"string", 1, mustSignature("<x-b?:s>"), stringOf},
	{"length", 1, mustSignature("<s-:n>"), length},
	{"substring", 3, mustSignature("<s-nn?:s>"), substring},
	{"substringBefore", 2, mustSignature("<s-s:s>"), substringBefore},
	{"substringAfter", 2, mustSignature("<s-s:s>"), substringAfter},
	{"uppercase", 1, mustSignature("<s-:s>"), uppercase},
	{"lowercase", 1, mustSignature("<s-:s>"), lowercase},
	{"trim", 1, mustSignature("<s-:s>"), trim},
	{"pad", 3, mustSignature("<s-ns?:s>"), pad},
	{"contains", 2, mustSignature("<s-(sf):b>"), contains},
	{"split", 3, mustSignature("<s-(sf)n?:a<s>>"), split},
	{"join", 2, mustSignature("<a<s>s?:s>"), join},
	{"match", 3, mustSignature("<s-f<s:o>n?:a<o>>"), matchAll},
	{"replace", 4, mustSignature("<s-(sf)(sf)n?:s>"), replace},
	{"base64encode", 1, mustSignature("<s-:s>"), base64encode},
	{"base64decode", 1, mustSignature("<s-:s>"), base64decode},
	{"encodeUrlComponent", 1, mustSignature("<s-:s>"), encodeURLComponent},
	{"encodeUrl", 1, mustSignature("<s-:s>"), encodeURL},
	{"decodeUrlComponent", 1, mustSignature("<s-:s>"), decodeURLComponent},
	{"decodeUrl", 1, mustSignature("<s-:s>"), decodeURL},
}

var numberFunctions = []native{
	{"number", 1, mustSignature("<(nsb)-:n>"), toNumber},
	{"abs", 1, mustSignature("<n-:n>"), abs},
	{"floor", 1, mustSignature("<n-:n>"), floor},
	{"ceil", 1, mustSignature("<n-:n>"), ceil},
	{"round", 2, mustSignature("<n-n?:n>"), roundFunction},
	{"power", 2, mustSignature("<n-n:n>"), powerFunction},
	{"sqrt", 1, mustSignature("<n-:n>"), sqrt},
	{"random", 0, mustSignature("<:n>"), random},
	{"formatNumber", 3, mustSignature("<n-so?:s>"), formatNumber},
	{"formatBase", 2, mustSignature("<n-n?:s>"), formatBase},
	{"formatInteger", 2, mustSignature("<n-s:s>"), formatIntegerFunction},
	{"parseInteger", 2, mustSignature("<s-s:n>"), parseIntegerFunction},
	{"sum", 1, mustSignature("<a<n>:n>"), sum},
	{"max", 1, mustSignature("<a<n>:n>"), maximum},
	{"min", 1, mustSignature("<a<n>:n>"), minimum},
	{"average", 1, mustSignature("<a<n>:n>"), average},
	{"boolean", 1, mustSignature("<x-:b>"), boolean},
	{"not", 1, mustSignature("<x-:b>"), not},
	{"exists", 1, mustSignature("<x:b>"), exists},
}

var arrayFunctions = []native{
	{"count", 1, mustSignature("<a:n>"), count},
	{"append", 2, mustSignature("<xx:a>"), appendFunction},
	{"sort", 2, mustSignature("<af?:a>"), sortFunction},
	{"reverse", 1, mustSignature("<a:a>"), reverse},
	{"shuffle", 1, mustSignature("<a:a>"), shuffle},
	{"distinct", 1, mustSignature("<x:x>"), distinct},
	{"zip", 0, mustSignature("<a+>"), zip},
}

var objectFunctions = []native{
	{"keys", 1, mustSignature("<x-:a<s>>"), keys},
	{"lookup", 2, mustSignature("<x-s:x>"), lookup},
	{"spread", 1, mustSignature("<x-:a<o>>"), spread},
	{"merge", 1, mustSignature("<a<o>:o>"), merge},
	{"type", 1, mustSignature("<x:s>"), typeOf},
	{"error", 1, mustSignature("<s?:x>"), errorFunction},
	{"assert", 2, mustSignature("<bs?:x>"), assert},
	{"clone", 1, mustSignature("<(oa)-:o>"), cloneFunction},
}

var higherFunctions = []native{
	{"map", 2, mustSignature("<af>"), mapFunction},
	{"filter", 2, mustSignature("<af>"), filterFunction},
	{"single", 2, mustSignature("<af?>"), singleFunction},
	{"reduce", 3, mustSignature("<afj?:j>"), reduce},
	{"each", 2, mustSignature("<o-f:a>"), each},
	{"sift", 2, mustSignature("<o-f?:o>"), sift},
}

var timeFunctions = []native{
	{"now", 2, mustSignature("<s?s?:s>"), now},
	{"millis", 0, mustSignature("<:n>"), millis},
	{"toMillis", 2, mustSignature("<s-s?:n>"), toMillis},
	{"fromMillis", 3, mustSignature("<n-s?s?:s>"), fromMillis},
}
