using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Tessera.Tests;

/// <summary>Keeps the messages that it is given.</summary>
internal sealed class Recorder : ILoggerProvider
{
    private readonly ConcurrentQueue<(string Category, LogLevel Level, string Text)> _messages = [];

    public IEnumerable<string> Of(string category) =>
        _messages.Where(message => message.Category == category).Select(message => message.Text);

    public IEnumerable<string> Of(LogLevel level) => _messages.Where(message => message.Level == level).Select(message => message.Text);

    public ILogger CreateLogger(string categoryName) => new Logger(categoryName, _messages);

    public void Dispose() { }

    private sealed class Logger(string category, ConcurrentQueue<(string Category, LogLevel Level, string Text)> messages) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        ) => messages.Enqueue((category, logLevel, formatter(state, exception)));
    }
}
