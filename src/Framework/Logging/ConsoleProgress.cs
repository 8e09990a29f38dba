using Spectre.Console;

namespace Tessera.Framework.Logging;

/// <summary>A progress bar on a terminal. Log lines appear above it.</summary>
internal sealed class ConsoleProgress : IDisposable
{
    private readonly TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<ProgressTask> _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _display;
    private readonly Task<ProgressTask> _bar;

    public ConsoleProgress(IAnsiConsole console)
    {
        _display = console
            .Progress()
            .AutoClear(true)
            .AutoRefresh(true)
            .Columns(new ProgressBarColumn { Width = 24 }, new PercentageColumn(), new TaskDescriptionColumn { Alignment = Justify.Left })
            .StartAsync(async context =>
            {
                _ready.SetResult(context.AddTask("starting", maxValue: 1));
                await _end.Task.ConfigureAwait(false);
            });
        _bar = _ready.Task;
    }

    /// <summary>Whether a bar would be readable: a terminal, not a pipe and not a dumb one.</summary>
    public static bool IsPossible(IAnsiConsole console) =>
        !Console.IsOutputRedirected && console.Profile.Capabilities is { Interactive: true, Ansi: true };

    public void Move(long done, long total)
    {
        if (!_bar.IsCompletedSuccessfully)
            return;
        _bar.Result.MaxValue = Math.Max(total, 1);
        _bar.Result.Value = done;
    }

    public void Describe(string text)
    {
        if (_bar.IsCompletedSuccessfully)
            _bar.Result.Description = Markup.Escape(text);
    }

    public void Dispose()
    {
        _end.TrySetResult();
        _display.Wait(TimeSpan.FromSeconds(5));
    }
}
