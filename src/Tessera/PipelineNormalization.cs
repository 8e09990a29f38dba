using System.Numerics;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera;

/// <summary>What the Normalize step of a session's pipeline does, by its own account.</summary>
internal static class PipelineNormalization
{
    /// <exception cref="UserErrorException">The pipeline has no such step.</exception>
    public static Normalization Of(Session session, int channels) =>
        Find(session, channels)
        ?? throw new UserErrorException(
            $"{session.Name}: its pipeline has no Normalize, so it is unknown which pixels the model's values stand for."
        );

    /// <summary>null where the pipeline has no such step.</summary>
    public static Normalization? Find(Session session, int channels)
    {
        if (PredictionPipeline.Build(session).OfType<Normalize>().LastOrDefault() is not { } step)
            return null;
        var sample = new Sample
        {
            Index = 0,
            Name = "probe",
            Image = new(new Image(1, 1, channels)),
            Geometry = new Geometry(1, 1, Matrix3x2.Identity),
        };
        return step.Apply(sample, new RandomSource(0)).Image!.Take().Pending;
    }
}
