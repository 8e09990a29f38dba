using System.Globalization;
using Tessera.Framework.Logging;

namespace Tessera.Tools.Output;

/// <summary>Progress of something that takes a while: a bar on a terminal, a line every ten seconds when piped; nothing where it is
/// quick.</summary>
/// <param name="what">What is done: "reading".</param>
/// <param name="console">By default the running tool's.</param>
/// <param name="time">By default the system's.</param>
internal sealed class Advance(string what, ToolConsole? console = null, TimeProvider? time = null)
{
    private static readonly TimeSpan s_quick = TimeSpan.FromSeconds(0.3),
        s_betweenLines = TimeSpan.FromSeconds(10);

    private readonly ToolConsole _console = console ?? ToolConsole.Current;
    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly long _begun = (time ?? TimeProvider.System).GetTimestamp();
    private TimeSpan _said;
    private ConsoleProgress? _bar;

    /// <summary>Call it from one thread at a time.</summary>
    /// <param name="done">Of the total; the last report has all of it.</param>
    public void Report(int done, int total)
    {
        var elapsed = _time.GetElapsedTime(_begun);
        if (_console.ShowsBars)
            Show(done, total, elapsed);
        else if (elapsed - _said >= s_betweenLines || (done == total && _said > TimeSpan.Zero))
        {
            _said = elapsed;
            var left = elapsed * ((double)(total - done) / Math.Max(done, 1));
            _console.Note(string.Create(CultureInfo.InvariantCulture, $"{what}: {done}/{total}, {left:m\\:ss} left"));
        }
    }

    private void Show(int done, int total, TimeSpan elapsed)
    {
        if (done >= total)
        {
            if (_bar is not null)
                _console.EndProgress();
            _bar = null;
            return;
        }
        if (elapsed >= s_quick)
            _bar ??= _console.ShowBar(what);
        _bar?.Move(done, total);
    }
}
