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

    /// <summary>Detectors: only boxes that score more, in place of the config's model.test.score_thr and of
    /// thresholds by class that the checkpoint carries.</summary>
    public double? ScoreThr { get; init; }

    /// <summary>Take the averaged weights where the checkpoint has them.</summary>
    public bool Averaged { get; init; } = true;

    /// <summary>Batch norms are worked into the convolutions before them: faster, and the same but for rounding.</summary>
    public bool FuseNorms { get; init; } = true;

    /// <summary>Images per step, where several are predicted at once; unset: as many as the config evaluates with, at most 16.</summary>
    public int? BatchSize { get; init; }

    /// <summary>Threads that read images ahead, where several are predicted at once.</summary>
    public int Workers { get; init; } = 2;

    /// <exception cref="UserErrorException">The threshold is out of bounds, or the model finds no boxes.</exception>
    internal void RequireFits(Checkpoint checkpoint)
    {
        var detects = checkpoint.Info.Data.Task == DataTask.Detection;
        if (ScoreThr is { } given && (!detects || given is not (>= 0 and <= 1)))
            throw new UserErrorException(
                detects
                    ? $"The threshold of scores is {given}; a number from 0 to 1 was expected."
                    : $"{checkpoint.Path}: its model finds no boxes, so there is none to leave out by a threshold of scores."
            );
    }

    /// <summary>What the predictor's session is opened with.</summary>
    internal SessionOptions ToSession() =>
        new()
        {
            Overrides = ScoreThr is { } score ? [string.Create(CultureInfo.InvariantCulture, $"model.test.score_thr={score}")] : [],
            Device = Device,
            Precision = Precision,
            Plugins = Plugins,
            Averaged = Averaged,
            Note = Note,
        };
}
