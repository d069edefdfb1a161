package dev.espalier.cli;

public final class Main { public static void main(String[] a) { System.out.println(String.join("|", a)); } }
