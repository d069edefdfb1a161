# Builds what changed since the last run and writes target\quick\class-path.args for the JVM; espalier.cmd calls it.
# It does what the functions of the same names in the file espalier do.
param([string] $Root, [string] $Java)
$ErrorActionPreference = 'Stop'

$work = Join-Path $Root 'target\quick'
$built = Join-Path $work 'built'
$log = Join-Path $work 'build.log'
$arguments = Join-Path $work 'class-path.args'
$classPath = Join-Path $Root 'espalier-cli\target\quick\class-path'
$classes = Join-Path $Root 'espalier-cli\target\quick\classes'
$options = "$env:ESPALIER_MAVEN_OPTS"

function Say([string] $sentence) { [Console]::Error.WriteLine("espalier: $sentence") }
function Fail([string] $sentence) { Say $sentence; exit 2 }

function Test-Java {
    $known = Join-Path $work 'java'
    if ((Test-Path $known) -and ((Get-Content $known -Raw).Trim() -eq $Java)) { return }
    $release = Join-Path (Split-Path (Split-Path $Java)) 'release'
    $version = if (Test-Path $release) { (Select-String -Path $release -Pattern '^JAVA_VERSION="([0-9._]+)').Matches[0].Groups[1].Value }
    if ($version -and [int] ($version -split '[._]')[0] -lt 17) {
        Fail "Java 17 or newer is needed, and $Java is Java $version; set JAVA_HOME to a JDK 17 or newer."
    }
    Set-Content $known $Java
}

function Test-Stale {
    if (-not ((Test-Path $built) -and (Test-Path $arguments) -and (Test-Path $classPath))) { return $true }
    if ((Get-Content $built -Raw).Trim() -ne $options) { return $true }
    foreach ($entry in (Get-Content $classPath -Raw).Trim().Split(';')) {
        if (-not (Test-Path -LiteralPath $entry)) { return $true }
    }
    $since = (Get-Item $built).LastWriteTimeUtc
    $inputs = Get-Item "$Root\pom.xml", "$Root\.mvn", "$Root\espalier-*\pom.xml", "$Root\espalier-*\src\main"
    $newer = @($inputs) + @($inputs | Get-ChildItem -Recurse) | Where-Object { $_.LastWriteTimeUtc -gt $since } | Select-Object -First 1
    return $null -ne $newer
}

function Invoke-Build {
    if (-not (Get-Command mvn -ErrorAction SilentlyContinue)) {
        Fail 'Maven 3.8 or newer is needed to build Espalier, and there is no mvn on the PATH.'
    }
    if (Test-Path $built) { Say 'building what changed ...' }
    else { Say 'building; the first time, Maven also downloads the libraries (about 350 MB) ...' }
    $began = (Get-Date).ToUniversalTime()
    Push-Location $Root
    cmd /c "mvn -B -q -Dstyle.color=never -Pquick $options process-classes > ""$log"" 2>&1"
    $failed = $LASTEXITCODE -ne 0
    Pop-Location
    if ($failed) { Show-Failure }
    $entries = ($classes + ';' + (Get-Content $classPath -Raw).Trim()).Replace('\', '/')
    [IO.File]::WriteAllText($arguments, "-cp`n""$entries""`n", [Text.Encoding]::Default)
    Set-Content $built $options
    (Get-Item $built).LastWriteTimeUtc = $began
}

function Show-Failure {
    $lines = Get-Content $log
    $at = ($lines | Select-String -SimpleMatch 'failed with message:' | Select-Object -First 1).LineNumber
    if ($at) { Fail ($lines[$at] -replace '^\[ERROR\] *', '') }
    foreach ($line in ($lines | Where-Object { $_ -like '`[ERROR`]*' } | Select-Object -First 20)) { [Console]::Error.WriteLine($line) }
    Say "the build failed; all of it is in $log."
    exit 1
}

New-Item -ItemType Directory -Force $work | Out-Null
Test-Java
if (Test-Stale) {
    # The open file is the lock: Windows closes it, whatever ends this process.
    $lock = $null
    while (-not $lock) {
        try { $lock = [IO.File]::Open((Join-Path $work 'lock'), 'OpenOrCreate', 'ReadWrite', 'None') }
        catch [IO.IOException] { Start-Sleep -Milliseconds 500 }
    }
    if (Test-Stale) { Invoke-Build }
    $lock.Dispose()
}
exit 0
