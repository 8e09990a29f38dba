using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Tessera.Framework.Hooks;
using Tessera.Framework.Plugins;

namespace Samples.Plugins;

/// <summary>Where evaluations are noted, across all runs.</summary>
/// <param name="Path">A text file; lines are added to its end.</param>
/// <param name="Author">Who trains.</param>
/// <param name="Digits">Of the figures, after the point.</param>
[ConfigSection("journal")]
public sealed record JournalOptions(string Path, string Author = "anonymous", [property: Range(1, 9)] int Digits = 3);

/// <summary>A file to which every run adds its figures.</summary>
public sealed class Journal(IOptions<JournalOptions> options, IConfiguration config, ILogger<Journal> log)
{
    public void Note(long iteration, IReadOnlyDictionary<string, double> metrics)
    {
        var figures = metrics.Select(metric => $"{metric.Key} {metric.Value.ToString($"F{options.Value.Digits}")}");
        var model = config["model:backbone:type"];
        File.AppendAllText(options.Value.Path, $"{options.Value.Author}: {model}, iteration {iteration}: {string.Join(", ", figures)}\n");
        log.LogInformation("Noted in {Path}.", options.Value.Path);
    }
}

/// <summary>Makes the journal known to the constructors of components.</summary>
public sealed class JournalServices : IPluginServices
{
    public void Add(IServiceCollection services, IConfiguration configuration) => services.AddSingleton<Journal>();
}

/// <summary>Notes every evaluation in the journal.</summary>
[Component("JournalHook")]
public sealed class JournalHook(Journal journal) : Hook
{
    public override void AfterEvaluation(RunState run, IReadOnlyDictionary<string, double> metrics) =>
        journal.Note(run.Progress.Iteration, metrics);
}
