// Package tfplugin6 holds the messages of the provider protocol, version 6, as
// generated from tfplugin6.proto. It owns the names and numbers on the wire and
// nothing else; package provider gives them a meaning.
package tfplugin6
