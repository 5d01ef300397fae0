from .words import greeting
