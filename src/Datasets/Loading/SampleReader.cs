using Tessera.Framework.Data;

namespace Tessera.Datasets.Loading;

/// <summary>Reads a sample and sends it through the pipeline. Serves several threads at once.</summary>
internal sealed class SampleReader
{
    private const int Substitutes = 16;
    private const int DetectionDivisor = 32; // what a pyramid of five maps divides by

    private readonly Dataset _dataset;
    private Transform[] _steps;
    private readonly long _seed;
    private readonly bool _training;
    private readonly BadSample _onBadSample;
    private readonly Dictionary<long, (string Name, string Reason)> _skipped = [];
    private IReadOnlyList<(string Name, string Reason)>? _skippedInOrder;

    public SampleReader(Dataset dataset, IReadOnlyList<Transform> pipeline, long seed, bool training, BadSample onBadSample)
    {
        (_dataset, _seed, _training, _onBadSample) = (dataset, seed, training, onBadSample);
        _steps = [.. pipeline];
    }

    /// <summary>Images of a batch may differ in size: they are padded to a common one that this divides. null: they must not
    /// differ.</summary>
    public int? PadDivisor => _dataset.Info.Task is DataTask.Detection or DataTask.Panoptic ? DetectionDivisor : null;

    /// <summary>What samples read from now on go through.</summary>
    public IReadOnlyList<Transform> Pipeline
    {
        set => Volatile.Write(ref _steps, [.. value]);
    }

    /// <summary>Bad samples so far, in the data set's order.</summary>
    public IReadOnlyList<(string Name, string Reason)> Skipped
    {
        get
        {
            // Asked for after every batch, and seldom changed.
            lock (_skipped)
                return _skippedInOrder ??= [.. _skipped.OrderBy(entry => entry.Key).Select(entry => entry.Value)];
        }
    }

    /// <param name="occurrence">How often the index came before in this epoch: each time is augmented differently.</param>
    /// <returns>The sample with its pixels and the normalisation still to be applied; null where it is bad and to be left out.</returns>
    public PreparedSample? Read(int index, int occurrence, int epoch)
    {
        var random = RandomSource.For(_seed, epoch, index + (long)occurrence * _dataset.Count);
        var sample = TryRead(index, random);
        if (sample is not null || !_training)
            return sample;
        for (var attempt = 0; attempt < Substitutes; attempt++)
        {
            random = random.Split();
            sample = TryRead(random.Next(_dataset.Count), random);
            if (sample is not null)
                return sample;
        }
        var (name, reason) = Skipped[0];
        throw new UserErrorException($"{Substitutes + 1} samples drawn one after another can't be read. The first: {Named(name, reason)}");
    }

    private PreparedSample? TryRead(int index, RandomSource random)
    {
        var name = $"sample {index}";
        try
        {
            var sample = _dataset.Open(index, _training);
            name = sample.Name;
            return PreparedSample.Of(sample, Volatile.Read(ref _steps), random);
        }
        catch (Exception e) when (IsBadData(e))
        {
            if (_onBadSample == BadSample.Fail)
                throw new UserErrorException(Named(name, e.Message), e);
            lock (_skipped)
                if (_skipped.TryAdd(index, (name, e.Message)))
                    _skippedInOrder = null;
            return null;
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"Reading {name} failed: {e.Message}", e);
        }
    }

    /// <summary>What a file can be guilty of; anything else is a defect of the program's and is never skipped.</summary>
    private static bool IsBadData(Exception e) =>
        e is UserErrorException or IOException or InvalidDataException or UnauthorizedAccessException;

    private static string Named(string name, string reason) =>
        reason.Contains(name, StringComparison.Ordinal) ? reason : $"{name}: {reason}";
}
