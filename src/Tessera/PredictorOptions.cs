using System.Globalization;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Processes;

namespace Tessera;

/// <summary>How a <see cref="Predictor"/> works.</summary>
public sealed record PredictorOptions
{
    /// <summary>"auto", "cpu", "cuda" or "cuda:N".</summary>
    public string Device { get; init; } = "auto";

    public Precision Precision { get; init; } = Precision.Fp32;

    /// <summary>Plugins that the checkpoint's model needs: .dll, .csproj or .cs. A checkpoint's own are never loaded.</summary>
    public IReadOnlyList<string> Plugins { get; init; } = [];

    /// <summary>Told which plugins are built and loaded, with their SHA-256.</summary>
    public Action<string>? Note { get; init; }

    /// <summary>Detectors: only boxes that score more, in place of the config's model.test.score_thr; of several labels, those that
    /// score as
    /// much are present. In place of thresholds by class that the checkpoint carries.</summary>
    public double? ScoreThr { get; init; }

    /// <summary>Take the averaged weights where the checkpoint has them.</summary>
    public bool Averaged { get; init; } = true;

    /// <summary>Batch norms are worked into the convolutions before them: faster, and the same but for rounding.</summary>
    public bool FuseNorms { get; init; } = true;

    /// <summary>Images per step, where several are predicted at once; unset: as many as the config evaluates with, at most 16.</summary>
    public int? BatchSize { get; init; }

    /// <summary>Threads that read images ahead, where several are predicted at once.</summary>
    public int Workers { get; init; } = 2;

    /// <exception cref="UserErrorException">The threshold is out of bounds, or the model has no use for one.</exception>
    internal void RequireFits(Checkpoint checkpoint)
    {
        if (ScoreThr is not { } given)
            return;
        if (checkpoint.Info.Data.Task is not (DataTask.Detection or DataTask.MultiLabel))
            throw new UserErrorException(
                $"{checkpoint.Path}: its model finds no boxes and no several labels, so there is none to leave out by a "
                    + $"threshold of scores."
            );
        if (given is not (>= 0 and <= 1))
            throw new UserErrorException($"The threshold of scores is {given}; a number from 0 to 1 was expected.");
    }

    /// <summary>Thresholds by class name.</summary>
    /// <param name="carried">The checkpoint's.</param>
    internal IReadOnlyDictionary<string, double> Thresholds(DataInfo data, IReadOnlyDictionary<string, double> carried) =>
        ScoreThr is not { } given ? carried
        : data.Task == DataTask.MultiLabel ? data.Classes.ToDictionary(name => name, _ => given, StringComparer.Ordinal)
        : new Dictionary<string, double>();

    /// <summary>What the predictor's session is opened with.</summary>
    internal SessionOptions ToSession(DataTask task) =>
        new()
        {
            Overrides =
                ScoreThr is { } score && task == DataTask.Detection
                    ? [string.Create(CultureInfo.InvariantCulture, $"model.test.score_thr={score}")]
                    : [],
            Device = Device,
            Precision = Precision,
            Plugins = Plugins,
            Averaged = Averaged,
            Note = Note,
        };
}
