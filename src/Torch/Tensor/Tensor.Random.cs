using Tessera.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public Tensor bernoulli(Generator? generator = null) => Op.bernoulli.Call(this, generator);
        public Tensor multinomial(long num_samples, bool replacement = false, Generator? generator = null) => Op.multinomial.Call(this, num_samples, replacement, generator);
        public Tensor poisson(Generator? generator = null) => Op.poisson.Call(this, generator);
        public Tensor bernoulli_(double p = 0.5, Generator? generator = null) => Op.bernoulli__float.CallInPlace(this, this, p, generator);
        public Tensor bernoulli_(Tensor p, Generator? generator = null) => Op.bernoulli__Tensor.CallInPlace(this, this, p, generator);
        public Tensor cauchy_(double median = 0.0, double sigma = 1.0, Generator? generator = null) => Op.cauchy_.CallInPlace(this, this, median, sigma, generator);
        public Tensor exponential_(double lambda = 1.0, Generator? generator = null) => Op.exponential_.CallInPlace(this, this, lambda, generator);
        public Tensor geometric_(double p, Generator? generator = null) => Op.geometric_.CallInPlace(this, this, p, generator);
        public Tensor normal_(double mean = 0.0, double std = 1.0, Generator? generator = null) => Op.normal_.CallInPlace(this, this, mean, std, generator);
        public Tensor log_normal_(double mean = 0.0, double std = 1.0, Generator? generator = null) => Op.log_normal_.CallInPlace(this, this, mean, std, generator);
        public Tensor uniform_(double from, double to, Generator? generator = null) => Op.uniform_.CallInPlace(this, this, from, to, generator);
    }
}
