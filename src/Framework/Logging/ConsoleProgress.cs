using Spectre.Console;

namespace Tessera.Framework.Logging;

/// <summary>A progress bar on a terminal, which is gone when disposed. What is written to the same console appears above it.</summary>
public sealed class ConsoleProgress : IDisposable
{
    private static readonly TimeSpan s_longestEnd = TimeSpan.FromSeconds(5);

    private readonly TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<ProgressTask> _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _display;

    /// <summary>Shows the bar. A console that shows another one already goes on with that alone.</summary>
    /// <param name="text">Beside the bar.</param>
    /// <param name="withRemaining">Shows the time that is left, by the speed so far.</param>
    public ConsoleProgress(IAnsiConsole console, string text, bool withRemaining = false)
    {
        var columns = new List<ProgressColumn>
        {
            new ProgressBarColumn { Width = 24 },
            new PercentageColumn(),
            new TaskDescriptionColumn { Alignment = Justify.Left },
        };
        if (withRemaining)
            columns.Add(new RemainingTimeColumn());
        _display = console
            .Progress()
            .AutoClear(true)
            .AutoRefresh(true)
            .Columns([.. columns])
            .StartAsync(async context =>
            {
                _ready.SetResult(context.AddTask(Markup.Escape(text), maxValue: 1));
                await _end.Task.ConfigureAwait(false);
            });
    }

    /// <summary>Moves the bar to a share of the whole.</summary>
    public void Move(long done, long total)
    {
        if (!_ready.Task.IsCompletedSuccessfully)
            return;
        var bar = _ready.Task.Result;
        bar.MaxValue = Math.Max(total, 1);
        bar.Value = done;
    }

    /// <summary>Changes the text beside the bar.</summary>
    public void Describe(string text)
    {
        if (_ready.Task.IsCompletedSuccessfully)
            _ready.Task.Result.Description = Markup.Escape(text);
    }

    public void Dispose()
    {
        _end.TrySetResult();
        // Not Wait: a bar that the console refused is no error.
        Task.WaitAny([_display], s_longestEnd);
        _ = _display.Exception;
    }
}
