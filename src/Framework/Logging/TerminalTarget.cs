using NLog;
using NLog.Targets;
using Spectre.Console;

namespace Tessera.Framework.Logging;

/// <summary>Log lines on a terminal, through the console that also draws the progress bar, so that neither disturbs the other.</summary>
internal sealed class TerminalTarget(IAnsiConsole console) : TargetWithLayout
{
    protected override void Write(LogEventInfo logEvent)
    {
        var color =
            logEvent.Level >= LogLevel.Error ? Color.Red
            : logEvent.Level == LogLevel.Warn ? Color.Yellow
            : Color.Default;
        console.Write(new Text(Layout.Render(logEvent) + Environment.NewLine, new Style(color)));
    }
}
