package dev.espalier.data.languagetool;

/** A word or phrase and what is to stand in its place. */
public record Replacement(String from, String to) {}
