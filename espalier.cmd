@echo off
rem Espalier's launcher for Windows: builds what changed, then hands its arguments to the command line.
rem The variables JAVA_HOME, ESPALIER_JAVA_OPTS and ESPALIER_MAVEN_OPTS mean what they mean in the file espalier.
setlocal EnableExtensions DisableDelayedExpansion
set "root=%~dp0"
set "root=%root:~0,-1%"

if defined JAVA_HOME (
  set "java=%JAVA_HOME%\bin\java.exe"
) else (
  for %%J in (java.exe) do set "java=%%~$PATH:J"
)
if not exist "%java%" goto no_java

powershell -NoProfile -NonInteractive -ExecutionPolicy Bypass -File "%root%\.mvn\quick-build.ps1" "%root%" "%java%"
if errorlevel 1 exit /b %errorlevel%

if not defined OMP_WAIT_POLICY set "OMP_WAIT_POLICY=passive"
"%java%" -XX:+IgnoreUnrecognizedVMOptions -Xmx2g -XX:+UseSerialGC -Dorg.bytedeco.javacpp.maxBytes=0 -Dorg.bytedeco.javacpp.maxPhysicalBytes=0 --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow %ESPALIER_JAVA_OPTS% "@%root%\target\quick\class-path.args" dev.espalier.cli.Main %*
exit /b %errorlevel%

:no_java
if defined JAVA_HOME (
  echo espalier: there is no bin\java.exe in JAVA_HOME; set it to a JDK 17 or newer, or unset it. 1>&2
) else (
  echo espalier: there is no java on the PATH; install a JDK 17 or newer, or set JAVA_HOME to one. 1>&2
)
exit /b 2
