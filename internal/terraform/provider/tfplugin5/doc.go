// Package tfplugin5 holds the messages of the provider protocol, version 5, as
// generated from tfplugin5.proto. It owns the names and numbers on the wire and
// nothing else; package provider gives them a meaning.
package tfplugin5
