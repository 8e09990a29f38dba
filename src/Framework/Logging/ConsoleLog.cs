using System.Globalization;
using Microsoft.Extensions.Logging;
using Spectre.Console;
using Tessera.Framework.Messages;

namespace Tessera.Framework.Logging;

/// <summary>Messages on the console: a line each, warnings and errors named and, on a terminal, in colour.</summary>
public sealed class ConsoleLog : ILoggerProvider
{
    private static readonly Lock s_opening = new();
    private static readonly Dictionary<IAnsiConsole, Shared> s_open = [];

    private readonly IAnsiConsole _console;
    private readonly LogLevel _least;
    private readonly bool _withTime;

    private ConsoleLog(IAnsiConsole console, LogLevel least, bool withTime) => (_console, _least, _withTime) = (console, least, withTime);

    /// <summary>Shows messages until what is returned is disposed. A console that shows them already goes on as it is, so that no message
    /// comes twice.</summary>
    /// <param name="least">Lesser ones are left out.</param>
    /// <param name="withTime">As in a log: with the time of day before each, and WARN before a warning; otherwise as tools speak:
    /// "warning: ".</param>
    public static IDisposable Open(IAnsiConsole console, LogLevel least = LogLevel.Information, bool withTime = true)
    {
        lock (s_opening)
        {
            if (!s_open.TryGetValue(console, out var shared))
                s_open[console] = shared = new Shared(console, Log.AddProvider(new ConsoleLog(console, least, withTime)));
            shared.Users++;
            return new Use(shared);
        }
    }

    public ILogger CreateLogger(string categoryName) => new Logger(this);

    public void Dispose() { }

    private void Write(LogLevel level, string message, Exception? exception)
    {
        var time = _withTime ? DateTime.Now.ToString("HH:mm:ss ", CultureInfo.InvariantCulture) : "";
        var (name, style) = level switch
        {
            >= LogLevel.Error => (_withTime ? "ERROR " : "error: ", new Style(Color.Red)),
            LogLevel.Warning => (_withTime ? "WARN " : "warning: ", new Style(Color.Yellow)),
            _ => ("", Style.Plain),
        };
        _console.WriteWhole($"{time}{name}{message}{(exception is null ? "" : $"\n{exception}")}", style);
    }

    private sealed class Shared(IAnsiConsole console, IDisposable provider)
    {
        public int Users { get; set; }

        public void Leave()
        {
            lock (s_opening)
            {
                if (--Users > 0)
                    return;
                s_open.Remove(console);
                provider.Dispose();
            }
        }
    }

    private sealed class Use(Shared shared) : IDisposable
    {
        private int _left;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _left, 1) == 0)
                shared.Leave();
        }
    }

    private sealed class Logger(ConsoleLog log) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= log._least && logLevel != LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        )
        {
            if (IsEnabled(logLevel))
                log.Write(logLevel, formatter(state, exception), exception);
        }
    }
}
