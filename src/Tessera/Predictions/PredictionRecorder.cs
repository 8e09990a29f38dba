using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;

namespace Tessera.Predictions;

/// <summary>Stores an evaluation's predictions beside it: what stands in the way of that is told, and does not end the
/// evaluation.</summary>
/// <param name="open">Opens the files.</param>
/// <param name="warn">Told why nothing is stored.</param>
public sealed class PredictionRecorder(Func<PredictionFileWriter> open, Action<string> warn) : IDisposable
{
    private PredictionFileWriter? _writer;
    private bool _failed;

    /// <summary>Opens the files now, so that what stands in the way ends the evaluation before it begins.</summary>
    /// <exception cref="UserErrorException">Nothing can be written there.</exception>
    public PredictionRecorder Open()
    {
        _writer ??= open();
        return this;
    }

    /// <summary>Adds an image. What a generative model says of it, a score, is no prediction of the data's task: it is left out, and told
    /// only where the files were asked for by <see cref="Open"/>.</summary>
    public void Write(Sample sample, Prediction prediction)
    {
        if (prediction is ScorePrediction && _writer is null)
            _failed = true;
        Try(writer => writer.Write(sample, prediction));
    }

    /// <summary>Adds what was encoded elsewhere.</summary>
    internal void Write(EncodedPrediction image) => Try(writer => writer.Write(image));

    /// <summary>Nothing is stored.</summary>
    /// <param name="reason">Why.</param>
    internal void Fail(string reason)
    {
        if (!_failed)
            warn($"The predictions are not stored: {reason}");
        _failed = true;
        _writer?.Dispose();
    }

    /// <summary>All images are there.</summary>
    /// <param name="metrics">The evaluation's values.</param>
    /// <returns>The file; null where nothing is stored.</returns>
    public string? Complete(IReadOnlyDictionary<string, double> metrics)
    {
        Try(writer => writer.Complete(metrics));
        return _failed ? null : _writer!.FullName;
    }

    public void Dispose() => _writer?.Dispose();

    private void Try(Action<PredictionFileWriter> step)
    {
        if (_failed)
            return;
        try
        {
            step(_writer ??= open());
        }
        catch (Exception error) when (error is UserErrorException or IOException or UnauthorizedAccessException)
        {
            Fail(error.Message);
        }
    }
}
