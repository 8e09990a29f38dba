using Tessera.Framework.Models;
using Tessera.Models.Explanation;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Models.PseudoLabels;

/// <summary>The last features of a classifier that lie on the image.</summary>
internal static class FeatureMaps
{
    /// <summary>What the last module before the classifier gave that has a vector for each place of the image. Norms that the pooled
    /// vector goes through afterwards are applied to each place.</summary>
    /// <param name="images">[B, C, H, W].</param>
    /// <param name="width">How long the vectors must be; any length where unset.</param>
    /// <returns>[B, D, h, w], float32, without graph; owned by the caller's dispose scope.</returns>
    /// <exception cref="UserErrorException">No module gives such features, or the model doesn't say what it decides by.</exception>
    public static Tensor Last(VisionModel model, Tensor images, long? width = null)
    {
        using var scope = NewDisposeScope();
        using var still = no_grad();
        using var watch = new Watch(model, images, width);
        _ = (model as IExplainable ?? throw PseudoLabelErrors.NotExplainable(model)).Outputs(images);
        return scope.MoveToOuter(watch.Features());
    }

    private sealed class Watch : IDisposable
    {
        private readonly VisionModel _model;
        private readonly long? _width;
        private readonly List<Action> _hooks = [];
        private readonly TokenGrids _grids;
        private readonly List<nn.Module<Tensor, Tensor>> _norms = []; // of the pooled vector
        private Tensor? _last; // [B, D, h, w]
        private bool _decided; // the layer that tells classes apart has run

        public Watch(VisionModel model, Tensor images, long? width)
        {
            (_model, _width, _grids) = (model, width, new TokenGrids((int)images.shape[2], (int)images.shape[3]));
            var classifiers = model.Classifiers();
            foreach (var (name, module) in model.named_modules())
            {
                Add(ModuleHooks.Before(module, _grids.Notice));
                if (classifiers.Contains(name))
                    Add(ModuleHooks.Before(module, (_, _) => _decided = true));
                Add(ModuleHooks.After(module, See));
            }

            void Add(Action? hook)
            {
                if (hook is not null)
                    _hooks.Add(hook);
            }
        }

        public Tensor Features()
        {
            if (_last is not { } map)
                throw PseudoLabelErrors.NoFeatures(_model, _width);
            var features = map.to(ScalarType.Float32);
            foreach (var norm in _norms)
            {
                var rows = features.permute(0, 2, 3, 1).reshape(-1, features.shape[1]); // a row for each place
                features = norm.call(rows).view(features.shape[0], features.shape[2], features.shape[3], -1).permute(0, 3, 1, 2);
            }
            return features.alias();
        }

        public void Dispose()
        {
            foreach (var remove in _hooks)
                remove();
            _last?.Dispose();
        }

        private object? See(nn.Module module, object? output)
        {
            if (_decided || (output as Tensor ?? (output as Tensor[])?.LastOrDefault()) is not { } given)
                return output;
            if (given.dim() == 2 && module is LayerNorm pooled && given.shape[1] == _last?.shape[1])
                _norms.Add(pooled);
            else if (MapOf(module, given) is { } map && (_width is null || map.shape[1] == _width))
            {
                _norms.Clear();
                _last?.Dispose();
                _last = map.clone().DetachFromDisposeScope(); // the model's own scopes would free it
            }
            return output;
        }

        private Tensor? MapOf(nn.Module module, Tensor given)
        {
            if (!given.is_floating_point())
                return null;
            if (given.dim() == 4)
            {
                var map = module is LayerNorm ? given.permute(0, 3, 1, 2) : given;
                return map.shape[2] * map.shape[3] > 1 ? map : null;
            }
            if (given.dim() != 3 || _grids.Of(given.shape[1]) is not { } grid || grid.Height * grid.Width < 2)
                return null;
            return new MapLayer("", 0, MapForm.Tokens, grid, "").ToMap(given);
        }
    }
}
